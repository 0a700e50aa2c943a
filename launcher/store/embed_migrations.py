#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the migrations into a C++ header, so that the program needs no file at run time.

usage: embed_migrations.py OUTPUT NNN_name.sql...
"""
import pathlib
import re
import sys


def main() -> None:
    output, *files = sys.argv[1:]
    entries = []
    for number, path in enumerate(sorted(map(pathlib.Path, files), key=lambda p: p.name), 1):
        match = re.fullmatch(r"(\d{3})_(\w+)\.sql", path.name)
        if not match or int(match[1]) != number:
            sys.exit(f"{path}: expected a file named {number:03d}_NAME.sql: "
                     "migrations are numbered 001, 002, … without a gap")
        entries.append(f'    {{{number}, "{match[2]}", R"sql({path.read_text()})sql"}},\n')
    pathlib.Path(output).write_text(
        f"// Made from data/migrations/{path.parent.name}.\n"
        "inline constexpr Migration kMigrations[] = {\n" + "".join(entries) + "};\n")


main()
