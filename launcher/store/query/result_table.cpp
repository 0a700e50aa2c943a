// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/query/result_table.h"

#include <glib.h>

#include <algorithm>
#include <cstdio>

#include "launcher/util/json.h"
#include "launcher/util/log.h"
#include "launcher/util/tabular.h"

namespace dragoman {
namespace {

constexpr size_t kMostTextBytes = 4000;
constexpr char kGap[] = "  ";

std::string figure_text(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  std::string figure = text;
  const bool zero = figure.find_first_not_of("-0.") == std::string::npos;
  return zero && figure[0] == '-' ? figure.substr(1) : figure;
}

/// "2026-03-01T12:00:05.000000Z" as "2026-03-01 12:00:05".
std::string second_of(const std::string& time) {
  std::string text = time.substr(0, 19);
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

std::string table_field(const Column& column, const Cell& cell, int digits_of_row) {
  if (std::holds_alternative<std::monostate>(cell)) return "–";
  const int digits = column.digits == kDigitsOfRow ? digits_of_row : column.digits;
  if (const double* value = std::get_if<double>(&cell)) return figure_text(*value, digits);
  const std::string text = text_of(cell);
  return column.kind == Column::Kind::kTime ? second_of(text)
                                            : log::printable(text, kMostTextBytes);
}

std::string data_field(const Cell& cell) {
  const double* value = std::get_if<double>(&cell);
  return value ? json_number(*value) : text_of(cell);
}

std::string json_value(const Column& column, const Cell& cell) {
  const std::string* text = std::get_if<std::string>(&cell);
  if (text) return column.kind == Column::Kind::kJson ? *text : json_string(*text);
  return std::holds_alternative<std::monostate>(cell) ? "null" : data_field(cell);
}

std::string title_of(const Column& column) {
  return column.unit.empty() ? column.title : column.title + " (" + column.unit + ")";
}

std::string table_line(const std::vector<Column>& columns, const std::vector<size_t>& widths,
                       const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool right = columns[i].kind == Column::Kind::kFigure;
    line += (i ? kGap : "") + padded(fields[i], widths[i], right ? Align::kRight : Align::kLeft);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::optional<double> real_of(const Cell& cell) {
  if (const double* value = std::get_if<double>(&cell)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&cell)) return static_cast<double>(*value);
  return {};
}

int64_t integer_of(const Cell& cell) {
  if (const double* value = std::get_if<double>(&cell)) return static_cast<int64_t>(*value);
  const int64_t* value = std::get_if<int64_t>(&cell);
  return value ? *value : 0;
}

std::string text_of(const Cell& cell) {
  if (const std::string* text = std::get_if<std::string>(&cell)) return *text;
  if (const int64_t* value = std::get_if<int64_t>(&cell)) return std::to_string(*value);
  if (const double* value = std::get_if<double>(&cell)) return json_number(*value);
  return {};
}

std::string result_text(const ResultTable& table) {
  if (table.rows.empty()) return table.if_empty + "\n";
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : table.columns) lines[0].push_back(title_of(column));
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const int digits = row < table.digits.size() ? table.digits[row] : kDigits;
    std::vector<std::string>& line = lines.emplace_back();
    for (size_t i = 0; i < table.columns.size(); ++i)
      line.push_back(table_field(table.columns[i], table.rows[row][i], digits));
  }
  std::vector<size_t> widths(table.columns.size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], static_cast<size_t>(g_utf8_strlen(line[i].c_str(), -1)));
  }
  std::string text;
  for (const auto& line : lines) text += table_line(table.columns, widths, line);
  return text;
}

std::string result_json(const ResultTable& table) {
  std::string text = "[";
  for (size_t row = 0; row < table.rows.size(); ++row) {
    text += row ? ",\n {" : "\n {";
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const Column& column = table.columns[i];
      text += (i ? ", " : "") + json_string(column.name) + ": " +
              json_value(column, table.rows[row][i]);
    }
    text += "}";
  }
  return text + (table.rows.empty() ? "]\n" : "\n]\n");
}

std::string result_csv(const ResultTable& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  std::string text = csv_line(names);
  for (const CellRow& row : table.rows) {
    std::vector<std::string> fields;
    for (const Cell& cell : row) fields.push_back(data_field(cell));
    text += csv_line(fields);
  }
  return text;
}

}  // namespace dragoman
