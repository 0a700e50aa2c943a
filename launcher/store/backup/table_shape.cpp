// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/table_shape.h"

#include <glib.h>

#include <algorithm>

#include "launcher/store/iso_time.h"

namespace dragoman {
namespace {

bool is_text(const std::string& text) {
  return g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr);
}

void bind(Statement& statement, int index, const SqlValue& value) {
  if (const auto* whole = std::get_if<int64_t>(&value))
    statement.bind(index, *whole);
  else if (const auto* real = std::get_if<double>(&value))
    statement.bind(index, *real);
  else if (const auto* text = std::get_if<std::string>(&value))
    statement.bind(index, *text);
  else
    statement.bind_null(index);
}

}  // namespace

TableShape::TableShape(Database& database, std::string table) : table_(std::move(table)) {
  read_columns(database);
  read_key(database);
}

void TableShape::read_columns(Database& database) {
  Statement info = database.prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?)");
  info.bind(1, table_);
  Column* only_key = nullptr;
  int keys = 0;
  while (info.step()) columns_.push_back({.name = info.text(0), .type = info.text(1)});
  info.reset();
  info.bind(1, table_);
  for (Column& column : columns_) {
    info.step();
    column.not_null = info.number(2) != 0;
    column.time =
        column.type == "TEXT" && (column.name.ends_with("_ts") || column.name.ends_with("_at"));
    wanted_ |= column.name == "trace_id";
    if (info.number(3) == 0) continue;
    ++keys;
    only_key = &column;
  }
  if (keys == 1) only_key->number = only_key->type == "INTEGER";
}

void TableShape::read_key(Database& database) {
  Statement info = database.prepare(
      "SELECT i.name FROM pragma_index_info((SELECT name FROM pragma_index_list(?) WHERE "
      "\"unique\" "
      "ORDER BY seq LIMIT 1)) i");
  info.bind(1, table_);
  while (info.step()) {
    for (Column& column : columns_) column.key |= column.name == info.text(0);
    keyed_ = true;
  }
  if (!keyed_)
    for (Column& column : columns_) column.key = column.number;
}

bool TableShape::fits(const Column& column, const SqlValue& value) const {
  if (std::holds_alternative<Blob>(value)) return false;
  if (column.number) return std::holds_alternative<std::monostate>(value);
  if (std::holds_alternative<std::monostate>(value)) return !column.not_null;
  if (const auto* text = std::get_if<std::string>(&value))
    return (column.type == "TEXT" || column.type.empty()) && is_text(*text) &&
           (!column.time || parse_iso_time(*text));
  if (std::holds_alternative<double>(value)) return column.type == "REAL" || column.type.empty();
  return column.type != "TEXT";
}

bool TableShape::fits(const TableRow& row, size_t missing) const {
  const size_t values = row.values.size();
  if (values > columns_.size() || values + missing < columns_.size()) return false;
  for (size_t i = 0; i < values; ++i)
    if (!fits(columns_[i], row.values[i])) return false;
  return true;
}

std::string TableShape::insert_sql() const {
  std::string names, values, keys, fill, if_empty;
  for (const Column& column : columns_) {
    const char* comma = names.empty() ? "" : ", ";
    names += comma + column.name;
    values += comma + std::string("?");
    const std::string old = table_ + "." + column.name, salvaged = "excluded." + column.name;
    if (column.key) {
      keys += (keys.empty() ? "" : ", ") + column.name;
    } else if (!column.number) {
      fill +=
          (fill.empty() ? "" : ", ") + column.name + " = coalesce(" + old + ", " + salvaged + ")";
      if_empty += (if_empty.empty() ? "" : " OR ") + ("(" + old) + " IS NULL AND " + salvaged +
                  " IS NOT NULL)";
    }
  }
  const std::string then =
      keyed_ && !fill.empty() ? "UPDATE SET " + fill + " WHERE " + if_empty : "NOTHING";
  return "INSERT INTO " + table_ + " (" + names + ") VALUES (" + values + ") ON CONFLICT (" + keys +
         ") DO " + then;
}

bool TableShape::is_there(Database& database, const TableRow& row) const {
  std::string sql = "SELECT count(*) FROM " + table_ + " WHERE 1";
  for (const Column& column : columns_)
    if (!column.number) sql += " AND " + column.name + " IS ?";
  Statement find = database.prepare(sql);
  int index = 0;
  for (size_t i = 0; i < columns_.size(); ++i)
    if (!columns_[i].number && ++index && i < row.values.size()) bind(find, index, row.values[i]);
  return find.step() && find.number(0) > 0;
}

bool TableShape::add(Statement& insert, Database& database, const TableRow& row) const {
  try {
    if (!keyed_ && is_there(database, row)) return true;
    for (size_t i = 0; i < columns_.size(); ++i)
      if (!columns_[i].number && i < row.values.size())
        bind(insert, static_cast<int>(i) + 1, row.values[i]);
    insert.run();
    return true;
  } catch (const DatabaseError& error) {
    if (error.primary_code() != SQLITE_CONSTRAINT && error.primary_code() != SQLITE_MISMATCH) throw;
    return false;
  }
}

std::vector<TableShape> table_shapes(Database& database) {
  std::vector<TableShape> shapes;
  Statement tables = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name");
  while (tables.step()) shapes.emplace_back(database, tables.text(0));
  return shapes;
}

}  // namespace dragoman
