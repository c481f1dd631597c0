/*
 * Products of matrices of 8-bit integers, in the place of MlasGemmQuantOperation of ONNX Runtime's WebAssembly build:
 *
 *   c[m][n] = sum over k of (a[m][k] - zero_a) * (b[k][n] - zero_b[n])        in int32, wrapping
 *
 * The results are those of the engine's own function to the last bit: sums of integers do not depend on their order.
 * What differs is the time. The engine packs b anew at each call and computes row by row; here b is packed into
 * panels of 8 columns, each once for all rows or, where it is a weight, once for all calls, and up to 6 rows are
 * computed together.
 *
 * It multiplies by i32x4.relaxed_dot_i8x16_i7x16_add_s, whose result depends on the machine where a byte of the second
 * operand is above 127. `probe` tells what it is here:
 *
 *   UNSIGNED  the second operand has unsigned bytes, and nothing saturates (x86 with AVX-VNNI)
 *   SIGNED    both have signed bytes (Arm)
 *   OTHER     anything else, such as sums that saturate at 16 bits (x86 without it): this module is of no use
 *
 * Nothing is kept in static memory, because the module shares the engine's: a block that the caller allocates holds the state.
 */
#include <stdint.h>
#include <wasm_simd128.h>

#define COLUMNS 8
#define MAX_ROWS 6
#define MAX_RANGES 64
#define WEIGHTS 1024
/* What a call without packed weights takes; larger ones are left to the engine. */
#define MAX_PANEL_DEPTH 4096
#define MAX_ROW_SUMS 1024
#define SIGN_BITS ((int32_t)0x80808080)

enum meaning { UNSIGNED = 0, SIGNED = 1, OTHER = 2 };

/* MLAS_GEMM_QUANT_SHAPE_PARAMS and MLAS_GEMM_QUANT_DATA_PARAMS, wasm32. */
struct shape {
  uint32_t m, n, k;
  uint8_t a_is_signed, b_is_signed, accumulates;
};

struct data {
  const uint8_t *a;
  uint32_t lda;
  uint8_t zero_a;
  const uint8_t *b;
  uint32_t ldb;
  const uint8_t *zero_b;
  uint8_t b_is_packed, zero_b_by_column;
  int32_t *c;
  uint32_t ldc;
  void *output_processor;
};

/* A matrix b that lies in a range of weights. Packed: the sums of its columns, then its panels. */
struct weight {
  const uint8_t *b;
  uint32_t ldb, k, n, b_is_signed;
  int32_t *packed;
};

struct range {
  uint32_t from, to;
};

struct state {
  struct range ranges[MAX_RANGES];
  struct weight weights[WEIGHTS];
  int32_t row_sums[MAX_ROW_SUMS];
  int32_t panel_sums[COLUMNS];
  v128_t panel[MAX_PANEL_DEPTH / 4 * 2];
};

/* What the rows of a tile are computed with. */
struct tile {
  const uint8_t *a;
  uint32_t lda, k;
  const v128_t *panel;
  int32_t *c;
  uint32_t ldc;
  /* Of this panel that exist: 8, or fewer in the last one. */
  uint32_t columns;
  int32_t flip;
  v128_t start[2];
  /* Subtracted for each row: its sum times the zero points of the columns; row_sums is 0 where all of them are 0. */
  const int32_t *row_sums;
  v128_t zeros[2];
  uint32_t accumulates;
};

typedef int32_t __attribute__((address_space(1))) global_int32;
static global_int32 state_at;
static global_int32 meaning;
static global_int32 unpacked_bytes;

__attribute__((import_module("engine"), import_name("operation"))) void engine_operation(
    const struct shape *, const struct data *, uint32_t, uint32_t, uint32_t, uint32_t);

static inline struct state *the_state(void) { return (struct state *)state_at; }

static inline uint32_t panels_of(uint32_t n) { return (n + COLUMNS - 1) / COLUMNS; }

/* Vectors of a panel. */
static inline uint32_t panel_length(uint32_t k) { return (k + 3) / 4 * 2; }

static uint32_t packed_size(uint32_t k, uint32_t n) {
  return panels_of(n) * (COLUMNS * 4 + panel_length(k) * 16);
}

/* Of a row of a panel the columns that exist, as signed bytes; the others are 0. */
static inline v128_t read_row(const uint8_t *row, uint32_t columns, uint8_t flip) {
  if (columns >= COLUMNS) return wasm_v128_xor(wasm_v128_load64_zero(row), wasm_i8x16_splat((int8_t)flip));
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < columns; i++) bytes |= (uint64_t)(uint8_t)(row[i] ^ flip) << (8 * i);
  return wasm_i64x2_make((int64_t)bytes, 0);
}

/* Writes a panel of b, for each 4 rows two vectors of 4 columns by 4 rows, and the sums of its columns. */
static void pack_panel(v128_t *panel, int32_t *sums, const uint8_t *b, uint32_t ldb, uint32_t k, uint32_t columns,
                       uint32_t b_is_signed) {
  const uint8_t flip = b_is_signed ? 0 : 0x80;
  const v128_t none = wasm_i32x4_splat(0);
  v128_t sum0 = none, sum1 = none;
  for (uint32_t row = 0; row < k; row += 4) {
    const uint8_t *from = b + row * ldb;
    const uint32_t rows = k - row;
    const v128_t r0 = read_row(from, columns, flip);
    const v128_t r1 = rows > 1 ? read_row(from + ldb, columns, flip) : none;
    const v128_t r2 = rows > 2 ? read_row(from + 2 * ldb, columns, flip) : none;
    const v128_t r3 = rows > 3 ? read_row(from + 3 * ldb, columns, flip) : none;
    const v128_t even = wasm_i8x16_shuffle(r0, r1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const v128_t odd = wasm_i8x16_shuffle(r2, r3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const v128_t low = wasm_i16x8_shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
    const v128_t high = wasm_i16x8_shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
    sum0 = wasm_i32x4_add(sum0, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extadd_pairwise_i8x16(low)));
    sum1 = wasm_i32x4_add(sum1, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extadd_pairwise_i8x16(high)));
    panel[0] = low;
    panel[1] = high;
    panel += 2;
  }
  wasm_v128_store(sums, sum0);
  wasm_v128_store(sums + 4, sum1);
}

static void pack_weight(const struct weight *weight) {
  const uint32_t panels = panels_of(weight->n), length = panel_length(weight->k);
  v128_t *panel = (v128_t *)(weight->packed + panels * COLUMNS);
  for (uint32_t i = 0; i < panels; i++)
    pack_panel(panel + i * length, weight->packed + i * COLUMNS, weight->b + i * COLUMNS, weight->ldb, weight->k,
               weight->n - i * COLUMNS, weight->b_is_signed);
}

/* The last bytes of a row, of which there are 1 to 3. */
static inline int32_t read_tail(const uint8_t *a, uint32_t length) {
  int32_t bytes = a[0];
  if (length > 1) bytes |= a[1] << 8;
  if (length > 2) bytes |= a[2] << 16;
  return bytes;
}

/* Writes a row of 8 sums. */
static inline __attribute__((always_inline)) void put_row(const struct tile *tile, uint32_t row, v128_t low, v128_t high) {
  int32_t *c = tile->c + row * tile->ldc;
  if (tile->row_sums) {
    const v128_t sum = wasm_i32x4_splat(tile->row_sums[row]);
    low = wasm_i32x4_sub(low, wasm_i32x4_mul(sum, tile->zeros[0]));
    high = wasm_i32x4_sub(high, wasm_i32x4_mul(sum, tile->zeros[1]));
  }
  if (tile->columns >= COLUMNS) {
    if (tile->accumulates) {
      low = wasm_i32x4_add(low, wasm_v128_load(c));
      high = wasm_i32x4_add(high, wasm_v128_load(c + 4));
    }
    wasm_v128_store(c, low);
    wasm_v128_store(c + 4, high);
    return;
  }
  for (uint32_t i = 0; i < tile->columns; i++) {
    const int32_t sum = wasm_i32x4_extract_lane(low, 0);
    c[i] = tile->accumulates ? (int32_t)((uint32_t)c[i] + (uint32_t)sum) : sum;
    low = wasm_i32x4_shuffle(low, high, 1, 2, 3, 4);
    high = wasm_i32x4_shuffle(high, high, 1, 2, 3, 3);
  }
}

#define EACH_ROW _Pragma("clang loop unroll(full)") for (uint32_t r = 0; r < ROWS; r++)
#define DOT(b, a, sum) wasm_i32x4_relaxed_dot_i8x16_i7x16_add(b, a, sum)

/* ROWS rows by 8 columns, by the relaxed dot product: of 4 bytes of a row with 4 columns. */
#define DEFINE_TILE(ROWS_OF_TILE)                                                            \
  static void tile_##ROWS_OF_TILE(const struct tile *tile) {                                 \
    enum { ROWS = ROWS_OF_TILE };                                                            \
    const uint32_t lda = tile->lda, quads = tile->k / 4, tail = tile->k % 4;                 \
    const v128_t flip = wasm_i32x4_splat(tile->flip);                                        \
    const v128_t *panel = tile->panel;                                                       \
    const uint8_t *a = tile->a;                                                              \
    v128_t low[ROWS], high[ROWS];                                                            \
    EACH_ROW low[r] = tile->start[0], high[r] = tile->start[1];                              \
    for (uint32_t i = 0; i < quads; i++) {                                                   \
      const v128_t b0 = panel[0], b1 = panel[1];                                             \
      EACH_ROW {                                                                             \
        const v128_t bytes = wasm_v128_xor(wasm_v128_load32_splat(a + r * lda), flip);       \
        low[r] = DOT(b0, bytes, low[r]);                                                     \
        high[r] = DOT(b1, bytes, high[r]);                                                   \
      }                                                                                      \
      panel += 2;                                                                            \
      a += 4;                                                                                \
    }                                                                                        \
    if (tail) EACH_ROW {                                                                     \
        const v128_t bytes = wasm_v128_xor(wasm_i32x4_splat(read_tail(a + r * lda, tail)), flip); \
        low[r] = DOT(panel[0], bytes, low[r]);                                               \
        high[r] = DOT(panel[1], bytes, high[r]);                                             \
      }                                                                                      \
    EACH_ROW put_row(tile, r, low[r], high[r]);                                              \
  }

DEFINE_TILE(2)
DEFINE_TILE(3)
DEFINE_TILE(4)
DEFINE_TILE(5)
DEFINE_TILE(6)

/* A single row: four times as many sums, so that none waits for the one before it. */
static void tile_1(const struct tile *tile) {
  const uint32_t quads = tile->k / 4, tail = tile->k % 4;
  const v128_t flip = wasm_i32x4_splat(tile->flip), none = wasm_i32x4_splat(0);
  const v128_t *panel = tile->panel;
  const uint8_t *a = tile->a;
  v128_t low[4] = {tile->start[0], none, none, none}, high[4] = {tile->start[1], none, none, none};
  uint32_t i = 0;
  for (; i + 4 <= quads; i += 4) {
#pragma clang loop unroll(full)
    for (uint32_t q = 0; q < 4; q++) {
      const v128_t bytes = wasm_v128_xor(wasm_v128_load32_splat(a + 4 * q), flip);
      low[q] = DOT(panel[2 * q], bytes, low[q]);
      high[q] = DOT(panel[2 * q + 1], bytes, high[q]);
    }
    panel += 8;
    a += 16;
  }
  for (; i < quads; i++) {
    const v128_t bytes = wasm_v128_xor(wasm_v128_load32_splat(a), flip);
    low[0] = DOT(panel[0], bytes, low[0]);
    high[0] = DOT(panel[1], bytes, high[0]);
    panel += 2;
    a += 4;
  }
  if (tail) {
    const v128_t bytes = wasm_v128_xor(wasm_i32x4_splat(read_tail(a, tail)), flip);
    low[0] = DOT(panel[0], bytes, low[0]);
    high[0] = DOT(panel[1], bytes, high[0]);
  }
  put_row(tile, 0, wasm_i32x4_add(wasm_i32x4_add(low[0], low[1]), wasm_i32x4_add(low[2], low[3])),
          wasm_i32x4_add(wasm_i32x4_add(high[0], high[1]), wasm_i32x4_add(high[2], high[3])));
}

static inline __attribute__((always_inline)) void compute_tile(const struct tile *tile, uint32_t rows) {
  switch (rows) {
    case 6: tile_6(tile); return;
    case 5: tile_5(tile); return;
    case 4: tile_4(tile); return;
    case 3: tile_3(tile); return;
    case 2: tile_2(tile); return;
    default: tile_1(tile);
  }
}

/* All rows of a panel, in tiles of about one size: 7 rows are 4 and 3. */
static void compute_panel(struct tile *tile, uint32_t rows) {
  const uint8_t *a = tile->a;
  int32_t *c = tile->c;
  const int32_t *row_sums = tile->row_sums;
  uint32_t row = 0;
  for (uint32_t left = (rows + MAX_ROWS - 1) / MAX_ROWS; left > 0; left--) {
    const uint32_t height = (rows - row + left - 1) / left;
    tile->a = a + row * tile->lda;
    tile->c = c + row * tile->ldc;
    if (row_sums) tile->row_sums = row_sums + row;
    compute_tile(tile, height);
    row += height;
  }
  tile->a = a;
  tile->c = c;
  tile->row_sums = row_sums;
}

static uint32_t hash_of(const uint8_t *b) { return ((uint32_t)b >> 4) * 2654435761u >> 22; }

static uint32_t is_in_range(const struct state *state, const uint8_t *b) {
  for (uint32_t i = 0; i < MAX_RANGES; i++)
    if ((uint32_t)b >= state->ranges[i].from && (uint32_t)b < state->ranges[i].to) return 1;
  return 0;
}

/* The weight that this b is, noted when it is first seen; 0 where b may change. */
static struct weight *find_weight(const struct shape *shape, const struct data *data) {
  struct state *state = the_state();
  for (uint32_t i = 0, at = hash_of(data->b); i < WEIGHTS; i++, at = (at + 1) % WEIGHTS) {
    struct weight *weight = state->weights + at;
    if (weight->b == data->b && weight->ldb == data->ldb && weight->k == shape->k && weight->n == shape->n &&
        weight->b_is_signed == shape->b_is_signed)
      return weight;
    if (weight->b) continue;
    if (!is_in_range(state, data->b)) return 0;
    *weight = (struct weight){data->b, data->ldb, shape->k, shape->n, shape->b_is_signed, 0};
    unpacked_bytes += (int32_t)packed_size(shape->k, shape->n);
    return weight;
  }
  return 0;
}

/* The zero points of the columns of a panel, as those of signed bytes. */
static void read_zeros(v128_t zeros[2], const struct data *data, uint32_t column, uint32_t columns, uint32_t b_is_signed) {
  const uint8_t flip = b_is_signed ? 0 : 0x80;
  v128_t bytes = data->zero_b_by_column ? read_row(data->zero_b + column, columns, flip)
                                        : wasm_i8x16_splat((int8_t)(*data->zero_b ^ flip));
  bytes = wasm_i16x8_extend_low_i8x16(bytes);
  zeros[0] = wasm_i32x4_extend_low_i16x8(bytes);
  zeros[1] = wasm_i32x4_extend_high_i16x8(bytes);
}

static uint32_t are_zeros_needed(const struct shape *shape, const struct data *data) {
  const uint8_t zero = shape->b_is_signed ? 0 : 0x80;
  const uint32_t length = data->zero_b_by_column ? shape->n : 1;
  for (uint32_t i = 0; i < length; i++)
    if (data->zero_b[i] != zero) return 1;
  return 0;
}

/* Of each row the sum of its values less its zero point. */
static void sum_rows(int32_t *sums, const uint8_t *a, uint32_t lda, uint32_t rows, uint32_t k, int32_t zero_a) {
  for (uint32_t row = 0; row < rows; row++) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < k; i++) sum += a[i];
    sums[row] = (int32_t)(sum - k * (uint32_t)zero_a);
    a += lda;
  }
}

/* Takes the place of MlasGemmQuantOperation; what is not done here is left to it. */
__attribute__((export_name("operation"))) void operation(const struct shape *shape, const struct data *data,
                                                         uint32_t first_row, uint32_t rows, uint32_t first_column,
                                                         uint32_t columns) {
  struct state *state = the_state();
  const uint32_t n = shape->n, k = shape->k;
  const uint32_t is_usual = first_column == 0 && columns == n && k > 0 && !shape->a_is_signed && !data->b_is_packed &&
                            !data->output_processor;
  const uint32_t needs_zeros = is_usual && are_zeros_needed(shape, data);
  const struct weight *weight = is_usual ? find_weight(shape, data) : 0;
  const int32_t *packed = weight ? weight->packed : 0;
  if (!is_usual || (!packed && k > MAX_PANEL_DEPTH) || (needs_zeros && rows > MAX_ROW_SUMS)) {
    engine_operation(shape, data, first_row, rows, first_column, columns);
    return;
  }
  /* A dot product that reads signed bytes reads each 128 too low when its sign bit is flipped. */
  const uint32_t is_flipped = meaning == SIGNED;
  const int32_t zero_a = data->zero_a, zero_of_read = is_flipped ? zero_a - 128 : zero_a;
  const uint8_t *a = data->a + first_row * data->lda;
  if (needs_zeros) sum_rows(state->row_sums, a, data->lda, rows, k, zero_a);
  struct tile tile;
  tile.a = a;
  tile.lda = data->lda;
  tile.k = k;
  tile.ldc = data->ldc;
  tile.flip = is_flipped ? SIGN_BITS : 0;
  tile.row_sums = needs_zeros ? state->row_sums : 0;
  tile.accumulates = shape->accumulates;
  const uint32_t panels = panels_of(n), length = panel_length(k);
  const v128_t factor = wasm_i32x4_splat(-zero_of_read);
  for (uint32_t i = 0; i < panels; i++) {
    const int32_t *sums = packed ? packed + i * COLUMNS : state->panel_sums;
    tile.columns = n - i * COLUMNS;
    tile.c = data->c + first_row * data->ldc + i * COLUMNS;
    if (packed) {
      tile.panel = (const v128_t *)(packed + panels * COLUMNS) + i * length;
    } else {
      pack_panel(state->panel, state->panel_sums, data->b + i * COLUMNS, data->ldb, k, tile.columns, shape->b_is_signed);
      tile.panel = state->panel;
    }
    tile.start[0] = wasm_i32x4_mul(factor, wasm_v128_load(sums));
    tile.start[1] = wasm_i32x4_mul(factor, wasm_v128_load(sums + 4));
    if (needs_zeros) read_zeros(tile.zeros, data, i * COLUMNS, tile.columns, shape->b_is_signed);
    compute_panel(&tile, rows);
  }
}

/* The size of the block that `start` takes. */
__attribute__((export_name("stateBytes"))) uint32_t state_bytes(void) { return sizeof(struct state); }

__attribute__((export_name("start"))) void start(struct state *block, uint32_t found_meaning) {
  state_at = (int32_t)block;
  meaning = (int32_t)found_meaning;
  unpacked_bytes = 0;
  __builtin_memset(block->ranges, 0, sizeof(block->ranges));
  __builtin_memset(block->weights, 0, sizeof(block->weights));
}

/* What the relaxed dot product means here, by the product of 4 bytes with 4 bytes. The caller passes them, so that no compiler computes it. */
__attribute__((export_name("probe"))) uint32_t probe(int32_t bytes_of_a, int32_t bytes_of_b) {
  const v128_t a = wasm_i32x4_splat(bytes_of_a), b = wasm_i32x4_splat(bytes_of_b);
  const int32_t sum = wasm_i32x4_extract_lane(DOT(b, a, wasm_i32x4_splat(1)), 0);
  int32_t as_unsigned = 1, as_signed = 1;
  for (uint32_t i = 0; i < 32; i += 8) {
    as_unsigned += (int32_t)(uint8_t)(bytes_of_a >> i) * (int8_t)(bytes_of_b >> i);
    as_signed += (int32_t)(int8_t)(bytes_of_a >> i) * (int8_t)(bytes_of_b >> i);
  }
  if (sum == as_unsigned) return UNSIGNED;
  return sum == as_signed ? SIGNED : OTHER;
}

/* From now on the bytes from `from` to `to` do not change: 1, or 0 where there are too many ranges. */
__attribute__((export_name("addRange"))) uint32_t add_range(uint32_t from, uint32_t to) {
  struct range *ranges = the_state()->ranges;
  for (uint32_t i = 0; i < MAX_RANGES; i++) {
    if (ranges[i].to != 0) continue;
    ranges[i] = (struct range){from, to};
    return 1;
  }
  return 0;
}

/* How much memory the weights of a range take that were seen and are not packed. */
__attribute__((export_name("unpackedBytes"))) uint32_t unpacked_bytes_of(uint32_t from, uint32_t to) {
  const struct weight *weights = the_state()->weights;
  uint32_t bytes = 0;
  if (unpacked_bytes == 0) return 0;
  for (uint32_t i = 0; i < WEIGHTS; i++)
    if ((uint32_t)weights[i].b >= from && (uint32_t)weights[i].b < to && !weights[i].packed)
      bytes += packed_size(weights[i].k, weights[i].n);
  return bytes;
}

/* Packs them, one after the other, into a block of that size, of which the address is a multiple of 16. */
__attribute__((export_name("packRange"))) void pack_range(uint32_t from, uint32_t to, uint8_t *block) {
  struct weight *weights = the_state()->weights;
  for (uint32_t i = 0; i < WEIGHTS; i++) {
    struct weight *weight = weights + i;
    if ((uint32_t)weight->b < from || (uint32_t)weight->b >= to || weight->packed) continue;
    const uint32_t bytes = packed_size(weight->k, weight->n);
    weight->packed = (int32_t *)block;
    pack_weight(weight);
    block += bytes;
    unpacked_bytes -= (int32_t)bytes;
  }
}

/* The block is used no more, and the weights of the range are packed anew when they are asked for. */
__attribute__((export_name("unpackRange"))) void unpack_range(uint32_t from, uint32_t to) {
  struct weight *weights = the_state()->weights;
  for (uint32_t i = 0; i < WEIGHTS; i++) {
    if ((uint32_t)weights[i].b < from || (uint32_t)weights[i].b >= to || !weights[i].packed) continue;
    weights[i].packed = 0;
    unpacked_bytes += (int32_t)packed_size(weights[i].k, weights[i].n);
  }
}

/* Forgets a range and its weights. The others are entered again, because places of a hash table may not be left empty between them. */
__attribute__((export_name("removeRange"))) void remove_range(uint32_t from, uint32_t to) {
  struct state *state = the_state();
  struct weight *weights = state->weights;
  for (uint32_t i = 0; i < MAX_RANGES; i++)
    if (state->ranges[i].from == from && state->ranges[i].to == to) state->ranges[i] = (struct range){0, 0};
  for (uint32_t i = 0; i < WEIGHTS; i++) {
    if ((uint32_t)weights[i].b < from || (uint32_t)weights[i].b >= to) continue;
    if (!weights[i].packed) unpacked_bytes -= (int32_t)packed_size(weights[i].k, weights[i].n);
    weights[i].b = 0;
  }
  /* Entries behind a gap that belong before it move there, until none does. */
  for (uint32_t moved = 1; moved;) {
    moved = 0;
    for (uint32_t i = 0; i < WEIGHTS; i++) {
      if (!weights[i].b) continue;
      for (uint32_t at = hash_of(weights[i].b); at != i; at = (at + 1) % WEIGHTS) {
        if (weights[at].b) continue;
        weights[at] = weights[i];
        weights[i].b = 0;
        moved = 1;
        break;
      }
    }
  }
}
