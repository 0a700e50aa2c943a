// SPDX-License-Identifier: LGPL-2.1-or-later
// The tables of this program's schema, and which rows can be theirs.
#pragma once

#include <string>
#include <vector>

#include "launcher/store/backup/table_page.h"
#include "launcher/store/database.h"

namespace dragoman {

class TableShape {
 public:
  TableShape(Database& database, std::string table);

  const std::string& table() const { return table_; }
  /// True for the tables whose rows a journal is kept for: those with a trace_id.
  bool is_wanted() const { return wanted_; }
  /// True if `row` can be one of this table: as many values, of the columns' types, nothing empty
  /// that must not be, times that are times, text that is text. A row of an earlier schema may have
  /// up to `missing` values less.
  bool fits(const TableRow& row, size_t missing) const;

  /// The statement that add() runs.
  std::string insert_sql() const;
  /// Writes `row` under a number of its own; one with the same key fills what that leaves empty,
  /// and where there is no key, one that says the same is enough. False if it breaks a constraint.
  bool add(Statement& insert, Database& database, const TableRow& row) const;

 private:
  struct Column {
    std::string name, type;
    bool not_null = false, time = false;
    bool key = false;     ///< part of what tells a row from others, wherever it is
    bool number = false;  ///< the row's number in this file
  };
  void read_columns(Database& database);
  void read_key(Database& database);
  bool is_there(Database& database, const TableRow& row) const;
  bool fits(const Column& column, const SqlValue& value) const;

  const std::string table_;
  std::vector<Column> columns_;
  bool wanted_ = false;
  bool keyed_ = false;  ///< there is a key besides the number
};

/// All tables of `database`'s schema that have rows of their own.
std::vector<TableShape> table_shapes(Database& database);

}  // namespace dragoman
