export * from "./context";
export * from "./graph";
export * from "./plugin";
export * from "./reader";
