"""What OpenTelemetry's Protocol Buffers say that spans and log records are, to check with what the Worker exports.

    python recipes/otlp_fixtures.py

Writes ``test/fixtures/opentelemetry/services.desc``: a FileDescriptorSet of the package opentelemetry-proto (Apache-2.0).
"""

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "opentelemetry" / "services.desc"


def main() -> None:
    files = FileDescriptorSet()
    seen = set()

    def add(descriptor) -> None:
        if descriptor.name in seen:
            return
        seen.add(descriptor.name)
        for dependency in descriptor.dependencies:
            add(dependency)
        descriptor.CopyToProto(files.file.add())

    add(trace_service_pb2.DESCRIPTOR)
    add(logs_service_pb2.DESCRIPTOR)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(files.SerializeToString())


if __name__ == "__main__":
    main()
