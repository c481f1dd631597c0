// Runs the published lande in Node.js and prints its weights, n-grams and languages, and its outputs for texts.
//
//   node lande.mjs <folder of the unpacked package> < texts.json > answers.json
//
// texts.json is an array of strings. The output for a text has the input vector's nonzero entries as [index, value]
// and lande's probabilities, in the order of its languages.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const load = (file) => import(pathToFileURL(join(folder, "standalone", file)).href);

const { default: lande } = await load("t50.js");
const { default: languages } = await load("t50-langs.js");
const { default: ngrams } = await load("t50-ngrams.js");
const { default: options } = await load("t50-options.js");
const { getNgrams, getNormalized } = await load("utils.js");

const orders = [ngrams.unigrams, ngrams.bigrams, ngrams.trigrams, ngrams.quadgrams];

function frequenciesOf(text) {
  const normalized = getNormalized(text);
  return orders.flatMap((vocabulary, index) => {
    const counted = getNgrams(normalized, index + 1);
    return vocabulary.map((ngram) => counted[ngram]?.frequency ?? 0);
  });
}

function answer(text) {
  const scores = new Map(lande(text));
  return {
    frequencies: [...frequenciesOf(text).entries()].filter(([, value]) => value !== 0),
    probabilities: languages.map((language) => scores.get(language)),
  };
}

const texts = JSON.parse(readFileSync(0, "utf8"));
const answers = texts.map(answer);
process.stdout.write(
  JSON.stringify({ languages, ngrams: orders, layers: options.layers, answers }),
);
