// SPDX-License-Identifier: LGPL-2.1-or-later
// The rows on one page of a table's b-tree (sqlite.org/fileformat2.html, sections 1.6 and 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "launcher/store/backup/page_file.h"

namespace dragoman {

struct Blob {
  std::string bytes;
};
/// NULL, a whole number, a real one, text, bytes.
using SqlValue = std::variant<std::monostate, int64_t, double, std::string, Blob>;

struct TableRow {
  int64_t rowid = 0;
  std::vector<SqlValue> values;
};

enum class PageKind { kLeaf, kInterior, kOther };

/// By its first byte; `number` 1 has the file's header before it.
PageKind page_kind(std::string_view page, uint32_t number);

/// The pages that an interior page points to.
std::vector<uint32_t> child_pages(std::string_view page, uint32_t number);

struct LeafRows {
  std::vector<TableRow> rows;
  uint32_t unreadable = 0;  ///< cells whose content makes no sense
};

/// All rows of leaf page `number`, following their overflow pages.
LeafRows read_leaf(PageFile& file, uint32_t number);

}  // namespace dragoman
