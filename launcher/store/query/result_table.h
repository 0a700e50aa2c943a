// SPDX-License-Identifier: LGPL-2.1-or-later
// What a query came to: for people, programs and spreadsheets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace dragoman {

/// One value of a row; nothing where there is none.
using Cell = std::variant<std::monostate, int64_t, double, std::string>;
using CellRow = std::vector<Cell>;

inline Cell cell_of(const std::optional<double>& value) { return value ? Cell(*value) : Cell(); }
std::optional<double> real_of(const Cell& cell);
int64_t integer_of(const Cell& cell);  ///< 0 of nothing
std::string text_of(const Cell& cell);

/// Decimals in the table; kDigitsOfRow: each row says how many (ResultTable::digits).
inline constexpr int kDigits = 2, kDigitsOfRow = -1;

struct Column {
  enum class Kind {
    kText,
    kFigure,
    kTime,  ///< ISO 8601 text, UTC
    kJson   ///< text that is JSON
  };
  std::string name;   ///< in JSON and CSV
  std::string title;  ///< in the table
  std::string unit;   ///< in the table; empty: none
  Kind kind = Kind::kText;
  int digits = kDigits;  ///< of a figure that is not whole, in the table
};

struct ResultTable {
  std::vector<Column> columns;
  std::vector<CellRow> rows;  ///< each as long as `columns`
  std::string if_empty;       ///< what to say when there are no rows
  bool more = false;          ///< the limit left rows out
  std::vector<int> digits;    ///< of each row, where a column asks for them
};

/// Aligned columns under their titles with units; times to the second. Control characters become
/// blanks. Without rows, `if_empty`.
std::string result_text(const ResultTable& table);

/// An array of objects, one a line; what is not known is null.
std::string result_json(const ResultTable& table);

/// A line of names, and one for each row (RFC 4180); what is not known is empty.
std::string result_csv(const ResultTable& table);

}  // namespace dragoman
