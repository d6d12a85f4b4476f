/**
 * The two services that every gRPC tool expects: grpc.health.v1.Health and server reflection.
 * Both answer whoever the listener admits; they tell nothing that is not in proto/.
 */
import { toBinary } from '@bufbuild/protobuf';
import type { DescFile, DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';

export interface Health {
  /** NOT_SERVING tells callers to go elsewhere. */
  setServing(serving: boolean): void;
}

/** Serving from the start, for the server as a whole ('') and for each service. */
export function addHealth(server: Server, services: readonly DescService[]): Health {
  const health = new HealthImplementation();
  const names = ['', ...services.map((service) => service.typeName)];
  const setServing = (serving: boolean): void => {
    for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  };
  setServing(true);
  health.addToServer(server);
  return { setServing };
}

export function addReflection(server: Server, services: readonly DescService[]): void {
  const files = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file)) return;
    files.add(file);
    file.dependencies.forEach(add);
  };
  for (const service of services) add(service.file);
  const fileDescriptorProtos = [...files].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  // The package reads nothing of a definition but its descriptors.
  const definition = {
    glimpse: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos },
  };
  new ReflectionService(definition as unknown as ConstructorParameters<typeof ReflectionService>[0], {
    services: services.map((service) => service.typeName),
  }).addToServer(server);
}
