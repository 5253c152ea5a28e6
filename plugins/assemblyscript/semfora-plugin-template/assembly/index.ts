import { register } from "semfora-plugin-sdk";
import { evaluate } from "./layer_guard";

export * from "semfora-plugin-sdk/abi";

register(evaluate);
