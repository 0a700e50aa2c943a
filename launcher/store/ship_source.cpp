// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/ship_source.h"

#include <glib.h>

#include <charconv>
#include <cmath>

namespace dragoman {
namespace {

template <typename Number>
void append_number(std::string& to, Number number) {
  char digits[64];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_real(std::string& to, double value) {
  if (std::isfinite(value)) return append_number(to, value);
  to += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

void append_field(std::string& to, sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL:
      to += "\\N";
      break;
    case SQLITE_INTEGER:
      append_number(to, sqlite3_column_int64(row, column));
      break;
    case SQLITE_FLOAT:
      append_real(to, sqlite3_column_double(row, column));
      break;
    default: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
      append_copy_text(to, {text, static_cast<size_t>(sqlite3_column_bytes(row, column))});
    }
  }
}

}  // namespace

void append_copy_text(std::string& to, std::string_view text) {
  g_autofree char* valid = nullptr;
  if (!g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr)) {
    std::string without_nul(text);
    std::erase(without_nul, '\0');
    valid = g_utf8_make_valid(without_nul.data(), static_cast<gssize>(without_nul.size()));
    text = valid;
  }
  for (const char c : text) {
    switch (c) {
      case '\\':
        to += "\\\\";
        break;
      case '\n':
        to += "\\n";
        break;
      case '\r':
        to += "\\r";
        break;
      case '\t':
        to += "\\t";
        break;
      default:
        to += c;
    }
  }
}

ShipSource::ShipSource(const std::string& path)
    : path_(path),
      reader_(path, DatabaseAccess::kReadOnly),
      marker_(path, DatabaseAccess::kReadOnly) {
  // A mark that a power cut takes costs a repeat, which changes nothing: no sync of its own.
  marker_.run("PRAGMA query_only = 0; PRAGMA synchronous = NORMAL");
  Statement identity = reader_.prepare("SELECT origin FROM journal_identity");
  if (identity.step()) origin_ = identity.text(0);
  ::stat(path.c_str(), &identity_);
}

bool ShipSource::is_current() const {
  struct stat now {};
  return ::stat(path_.c_str(), &now) == 0 && now.st_ino == identity_.st_ino &&
         now.st_dev == identity_.st_dev;
}

ShipBatch ShipSource::read(const ShipTable& table, int64_t seq, size_t rows, size_t bytes) {
  Statement statement =
      reader_.prepare("SELECT " + table.seq + ", " + table.columns + " FROM " + table.name +
                      " WHERE " + table.seq + " > ?1 ORDER BY " + table.seq + " LIMIT ?2");
  statement.bind(1, seq);
  statement.bind(2, static_cast<int64_t>(rows));
  ShipBatch batch;
  while (batch.text.size() < bytes && statement.step()) {
    const int columns = sqlite3_column_count(statement.handle());
    for (int column = 1; column < columns; ++column) {
      if (column > 1) batch.text += '\t';
      append_field(batch.text, statement.handle(), column);
    }
    batch.text += '\n';
    batch.seqs.push_back(statement.number(0));
    batch.ends.push_back(batch.text.size());
  }
  return batch;
}

uint64_t ShipSource::count(const ShipTable& table, int64_t seq, uint64_t limit) {
  return static_cast<uint64_t>(reader_.number("SELECT count(*) FROM (SELECT 1 FROM " + table.name +
                                              " WHERE " + table.seq + " > " + std::to_string(seq) +
                                              " LIMIT " + std::to_string(limit) + ")"));
}

int64_t ShipSource::mark(const std::string& target, const ShipTable& table) {
  Statement statement =
      reader_.prepare("SELECT seq FROM shipping_marks WHERE target = ?1 AND kind = ?2");
  statement.bind(1, target);
  statement.bind(2, table.name);
  return statement.step() ? statement.number(0) : 0;
}

int64_t ShipSource::last_mark(const ShipTable& table) {
  return reader_.number("SELECT max(seq) FROM shipping_marks WHERE kind = '" + table.name + "'");
}

void ShipSource::set_mark(const std::string& target, const ShipTable& table, int64_t seq) {
  Statement statement = marker_.prepare(
      "INSERT INTO shipping_marks (target, kind, seq) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (target, kind) DO UPDATE SET seq = excluded.seq");
  statement.bind(1, target);
  statement.bind(2, table.name);
  statement.bind(3, seq);
  statement.run();
}

}  // namespace dragoman
