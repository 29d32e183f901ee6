/**
 * Makes the page's script one text from the modules of src/viewer/page/: each is compiled by the
 * compiler that the project has anyway, without its comments, and wrapped in a function.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import ts from "typescript";

const PAGE = "src/viewer/page";

/** What src/viewer/generated/page.ts says. */
export function pageSource(): string {
  return `// Made by tools/generate.ts from ${PAGE}/: change that, not this file.

/** The script of the page. */
export const PAGE_SCRIPT: string = ${lines(pageScript())};

/** The style of the page. */
export const PAGE_STYLE: string = ${lines(readFileSync(`${PAGE}/style.css`, "utf8"))};
`;
}

/** The modules of the page in one script that runs main.ts. */
function pageScript(): string {
  const modules = readdirSync(PAGE)
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => wrapped(basename(name, ".ts"), readFileSync(`${PAGE}/${name}`, "utf8")));
  return `const modules = {
${modules.join("\n")}
};
const loaded = {};
function load(name) {
  if (loaded[name] === undefined) {
    loaded[name] = {};
    modules[name](loaded[name], load);
  }
  return loaded[name];
}
load("./main.ts");
`;
}

function wrapped(name: string, source: string): string {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      removeComments: true,
      verbatimModuleSyntax: false,
    },
  });
  // A page's script ends where this stands, whatever it stands in.
  if (/<\/script|<!--/i.test(outputText)) throw new Error(`${name} has markup in it`);
  return `"./${name}.ts"(exports, require) {\n${outputText}},`;
}

/** One string for each line, so that a change is seen where it is. */
function lines(text: string): string {
  const parts = text.replace(/\n$/, "").split("\n");
  return `[\n${parts.map((line) => `  ${JSON.stringify(line)},`).join("\n")}\n].join("\\n")`;
}
