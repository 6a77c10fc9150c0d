// Options out of a clipboard: lines of a text, rows of a spreadsheet.

import { cut } from "./dom.js";

// A spreadsheet puts tabs between cells, and a cell that has line breaks or quotes of its own between quotes.
const CELL = /(?:"((?:[^"]|"")*)"|([^\t\n]*))(\t|\n|$)/y;

const readRows = (text) => {
  const rows = [[]];
  CELL.lastIndex = 0;
  while (CELL.lastIndex < text.length) {
    const found = CELL.exec(text);
    // No end to a quote that begins a cell: it is no spreadsheet's.
    if (!found) return text.split("\n").map((line) => line.split("\t"));
    const [, quoted, plain, end] = found;
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\n") rows.push([]);
  }
  return rows;
};

const tidy = (cell) => cell.replace(/\s+/g, " ").trim();
const isSheet = (text) => /\t|(^|\n)"[^"]*\n[^"]*"/.test(text);

// One option a line; of a spreadsheet one a row, or one a cell where there is one row only.
export const readOptions = (given, longest) => {
  const text = given.replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  const rows = isSheet(text) ? readRows(text) : text.split("\n").map((line) => [line]);
  const filled = rows.map((cells) => cells.map(tidy).filter(Boolean)).filter((cells) => cells.length);
  const options = filled.length === 1 ? filled[0] : filled.map((cells) => cells.join(", "));
  return options.map((option) => cut(option, longest).trim());
};
