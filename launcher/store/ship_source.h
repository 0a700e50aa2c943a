// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal as the shipper reads it: rows in the order of their changes, and the marks.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/store/database.h"
#include "launcher/store/ship_table.h"

namespace dragoman {

/// Rows as COPY's text format takes them.
struct ShipBatch {
  std::string text;
  std::vector<int64_t> seqs;  ///< of each row, rising
  std::vector<size_t> ends;   ///< of each row, in `text`

  size_t size() const { return seqs.size(); }
  /// The rows [first, last).
  std::string_view rows(size_t first, size_t last) const {
    const size_t begin = first == 0 ? 0 : ends[first - 1];
    return std::string_view(text).substr(begin, ends[last - 1] - begin);
  }
};

/// Appends `text` to `to` as a field of COPY's text format: escaped, what is not UTF-8 replaced,
/// NUL left out.
void append_copy_text(std::string& to, std::string_view text);

/// Connections of its own to the journal's file: one that reads, one for the marks. Holds no lock
/// and no snapshot between calls. One thread. Every failure is a DatabaseError.
class ShipSource {
 public:
  explicit ShipSource(const std::string& path);

  /// False if the path names another file now, or none.
  bool is_current() const;
  const std::string& origin() const { return origin_; }  ///< the journal's identity
  /// The rows of a table after `seq`: at most `rows`, and no more than make `bytes` (one at least).
  ShipBatch read(const ShipTable& table, int64_t seq, size_t rows, size_t bytes);
  /// How many rows a table has after `seq`; counts to `limit`.
  uint64_t count(const ShipTable& table, int64_t seq, uint64_t limit);
  int64_t mark(const std::string& target, const ShipTable& table);
  /// The highest mark of any target: about what the one not reached yet has.
  int64_t last_mark(const ShipTable& table);
  void set_mark(const std::string& target, const ShipTable& table, int64_t seq);

 private:
  const std::string path_;
  Database reader_, marker_;
  std::string origin_;
  struct stat identity_ {};
};

}  // namespace dragoman
