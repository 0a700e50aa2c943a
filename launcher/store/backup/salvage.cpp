// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/salvage.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "launcher/store/backup/page_file.h"
#include "launcher/store/backup/table_page.h"
#include "launcher/store/backup/table_shape.h"
#include "launcher/store/database.h"

namespace dragoman {
namespace {

constexpr uint32_t kPagesPerTransaction = 20;  // a writer waits no longer than these take
constexpr char kIdentityTable[] = "journal_identity";
constexpr int kBusyMs = 10'000;
constexpr size_t kMostColumnsAdded = 8;  // by later migrations
constexpr size_t kSchemaColumns = 5;     // type, name, tbl_name, rootpage, sql

class Salvage {
 public:
  Salvage(const std::string& damaged, const std::string& journal, const std::atomic<bool>& stop)
      : file_(damaged), database_(journal, DatabaseAccess::kReadWrite), stop_(stop) {
    database_.run("PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = " + std::to_string(kBusyMs));
    for (TableShape& shape : table_shapes(database_)) {
      const std::string name = shape.table();
      tables_.emplace(name, Table(std::move(shape), database_));
    }
    if (tables_.empty()) throw std::runtime_error(journal + " has no tables yet");
    result_.pages = file_.pages();
    result_.missing_pages = file_.missing();
  }

  JournalSalvage run() {
    skip_ = file_.free_pages();
    const std::map<uint32_t, std::string> roots = read_schema();
    for (const auto& [root, name] : roots)
      if (const auto table = tables_.find(name);
          table != tables_.end() && table->second.shape.is_wanted())
        walk(root, table->second, 0);
    read_strays();
    commit();
    for (const auto& [name, table] : tables_)
      if (table.leaves > 0)
        result_.lost_rows += (table.rows * table.lost_pages + table.leaves / 2) / table.leaves;
    return std::move(result_);
  }

 private:
  struct Table {
    Table(TableShape made, Database& database) : shape(std::move(made)) {
      if (shape.is_wanted()) insert.emplace(database.prepare(shape.insert_sql()));
    }
    TableShape shape;
    std::optional<Statement> insert;
    uint64_t leaves = 0, rows = 0, lost_pages = 0;
  };

  /// The tables' roots, as far as the schema's own tree, which begins on page 1, can be read.
  std::map<uint32_t, std::string> read_schema() {
    std::map<uint32_t, std::string> roots;
    std::vector<uint32_t> pages = {1};
    for (size_t i = 0; i < pages.size() && i < file_.pages(); ++i) {
      const std::string page(file_.page(pages[i]));
      if (page_kind(page, pages[i]) == PageKind::kInterior) {
        seen_.insert(pages[i]);
        for (const uint32_t child : child_pages(page, pages[i])) pages.push_back(child);
      } else if (page_kind(page, pages[i]) == PageKind::kLeaf) {
        seen_.insert(pages[i]);
        for (const TableRow& row : read_leaf(file_, pages[i]).rows) add_root(row, roots);
      }
    }
    return roots;
  }

  void add_root(const TableRow& row, std::map<uint32_t, std::string>& roots) const {
    if (row.values.size() != kSchemaColumns) return;
    const auto* type = std::get_if<std::string>(&row.values[0]);
    const auto* name = std::get_if<std::string>(&row.values[1]);
    const auto* root = std::get_if<int64_t>(&row.values[3]);
    if (type && name && root && *type == "table" && *root > 0)
      roots[static_cast<uint32_t>(*root)] = *name;
  }

  /// The new journal goes on under the old one's name, by which other databases know its rows.
  void keep_identity(const std::vector<TableRow>& rows) {
    for (const TableRow& row : rows) {
      if (!std::holds_alternative<std::string>(row.values[0])) continue;
      Statement keep = database_.prepare("UPDATE journal_identity SET origin = ?");
      keep.bind(1, std::get<std::string>(row.values[0]));
      keep.run();
    }
  }

  /// The tree below page `number`, which belongs to `table`.
  void walk(uint32_t number, Table& table, int depth) {
    constexpr int kDeepest = 40;
    if (stopped() || depth > kDeepest || number == 0 || number > file_.pages() ||
        !seen_.insert(number).second)
      return;
    const std::string page(file_.page(number));
    const PageKind kind = page_kind(page, number);
    if (kind == PageKind::kInterior && walk_children(page, number, table, depth)) return;
    if (kind == PageKind::kLeaf && take_leaf(number, table)) return;
    // One that is behind the end of the file is counted as missing.
    if (!page.empty()) ++result_.damaged_pages;
    ++table.lost_pages;
  }

  /// False if the page is garbage: it must not claim the pages of others.
  bool walk_children(const std::string& page, uint32_t number, Table& table, int depth) {
    const std::vector<uint32_t> children = child_pages(page, number);
    const bool sound = std::all_of(children.begin(), children.end(), [this](uint32_t child) {
      return child > 1 && child <= file_.pages();
    });
    if (sound)
      for (const uint32_t child : children) walk(child, table, depth + 1);
    return sound;
  }

  /// False if the page is garbage. One that holds another table's rows is left to read_strays().
  bool take_leaf(uint32_t number, Table& table) {
    const LeafRows leaf = read_leaf(file_, number);
    if (leaf.rows.empty()) return leaf.unreadable == 0;
    const bool ours = std::any_of(
        leaf.rows.begin(), leaf.rows.end(),
        [&table](const TableRow& row) { return table.shape.fits(row, kMostColumnsAdded); });
    if (ours)
      take(leaf, table, kMostColumnsAdded);
    else
      seen_.erase(number);
    return true;
  }

  /// Leaves that no tree leads to: their own tell what they are of, by their shape.
  void read_strays() {
    for (uint32_t number = 1; number <= file_.pages() && !stopped(); ++number) {
      if (seen_.contains(number) || skip_.contains(number)) continue;
      if (page_kind(file_.page(number), number) != PageKind::kLeaf) continue;
      const LeafRows leaf = read_leaf(file_, number);
      if (leaf.rows.empty()) continue;
      Table* table = owner_of(leaf.rows, 0);
      if (!table) table = owner_of(leaf.rows, 1);
      if (table && table->shape.table() == kIdentityTable)
        keep_identity(leaf.rows);
      else if (table)
        take(leaf, *table, 1);
      else
        ++result_.unknown_pages;
    }
  }

  Table* owner_of(const std::vector<TableRow>& rows, size_t missing) {
    Table* owner = nullptr;
    for (auto& [name, table] : tables_) {
      const bool all = std::all_of(rows.begin(), rows.end(), [&](const TableRow& row) {
        return table.shape.fits(row, missing);
      });
      if (!all) continue;
      if (owner) return nullptr;
      owner = &table;
    }
    return owner;
  }

  void take(const LeafRows& leaf, Table& table, size_t missing) {
    if (!table.shape.is_wanted()) return;
    result_.unreadable_rows += leaf.unreadable;
    ++table.leaves;
    table.rows += leaf.rows.size();
    begin();
    for (const TableRow& row : leaf.rows) {
      if (table.shape.fits(row, missing) && table.shape.add(*table.insert, database_, row))
        ++result_.rows[table.shape.table()];
      else
        ++result_.unreadable_rows;
    }
    if (++pages_in_transaction_ >= kPagesPerTransaction) commit();
  }

  void begin() {
    if (pages_in_transaction_ == 0 && sqlite3_get_autocommit(database_.handle()))
      database_.run("BEGIN IMMEDIATE");
  }
  void commit() {
    pages_in_transaction_ = 0;
    if (!sqlite3_get_autocommit(database_.handle())) database_.run("COMMIT");
  }
  bool stopped() { return result_.stopped = result_.stopped || stop_; }

  PageFile file_;
  Database database_;
  const std::atomic<bool>& stop_;
  std::map<std::string, Table> tables_;
  std::set<uint32_t> seen_, skip_;
  uint32_t pages_in_transaction_ = 0;
  JournalSalvage result_;
};

}  // namespace

uint64_t JournalSalvage::total() const {
  uint64_t sum = 0;
  for (const auto& [table, count] : rows) sum += count;
  return sum;
}

std::string JournalSalvage::text() const {
  std::string text = std::to_string(total()) + " rows are saved";
  const char* open = " (";
  for (const auto& [table, count] : rows) {
    text += open + (table + " " + std::to_string(count));
    open = ", ";
  }
  if (!rows.empty()) text += ")";
  const uint32_t lost = damaged_pages + missing_pages + unknown_pages;
  text += "; " + std::to_string(lost) + " of " + std::to_string(pages) +
          " pages are lost (damaged " + std::to_string(damaged_pages) + ", missing " +
          std::to_string(missing_pages) + ", of no known table " + std::to_string(unknown_pages) +
          "), with about " + std::to_string(lost_rows) + " rows; " +
          std::to_string(unreadable_rows) + " rows were unreadable";
  return text;
}

JournalSalvage salvage(const std::string& damaged, const std::string& journal,
                       const std::atomic<bool>& stop) {
  return Salvage(damaged, journal, stop).run();
}

}  // namespace dragoman
