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
    walk_strays();
    read_strays();
    drop_overtaken();
    commit();
    result_.schema_lost = roots.empty();
    count_lost();
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
    const bool sound = are_pages(children);
    if (sound)
      for (const uint32_t child : children) walk(child, table, depth + 1);
    return sound;
  }

  bool are_pages(const std::vector<uint32_t>& numbers) const {
    return std::all_of(numbers.begin(), numbers.end(),
                       [this](uint32_t number) { return number > 1 && number <= file_.pages(); });
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

  /// Trees that nothing leads to, as all are when the schema's page is lost: their inner pages tell
  /// which pages there were.
  void walk_strays() {
    std::set<uint32_t> tops, below;
    for (uint32_t number = 1; number <= file_.pages() && !stopped(); ++number) {
      if (seen_.contains(number) || skip_.contains(number)) continue;
      const std::string page(file_.page(number));
      if (page_kind(page, number) != PageKind::kInterior) continue;
      const std::vector<uint32_t> children = child_pages(page, number);
      if (!are_pages(children)) continue;
      tops.insert(number);
      below.insert(children.begin(), children.end());
    }
    for (const uint32_t number : tops) {
      if (below.contains(number)) continue;
      std::set<uint32_t> looked_at;
      Table* table = owner_of_tree(number, looked_at);
      if (table && table->shape.is_wanted()) walk(number, *table, 0);
    }
  }

  /// The table of the first leaf below page `number` that can be read; null if there is none.
  Table* owner_of_tree(uint32_t number, std::set<uint32_t>& looked_at) {
    const std::string page(file_.page(number));
    if (page.empty() || !looked_at.insert(number).second) return nullptr;
    if (page_kind(page, number) == PageKind::kLeaf) return owner_of(read_leaf(file_, number).rows);
    if (page_kind(page, number) != PageKind::kInterior) return nullptr;
    for (const uint32_t child : child_pages(page, number))
      if (Table* table = owner_of_tree(child, looked_at)) return table;
    return nullptr;
  }

  /// By the rows' shape, of this schema or the one before.
  Table* owner_of(const std::vector<TableRow>& rows) {
    Table* table = owner_of(rows, 0);
    return table ? table : owner_of(rows, 1);
  }

  void count_lost() {
    for (const auto& [name, table] : tables_)
      if (table.leaves > 0)
        result_.lost_rows += (table.rows * table.lost_pages + table.leaves / 2) / table.leaves;
      else
        result_.uncounted_pages += static_cast<uint32_t>(table.lost_pages);
  }

  /// Leaves that no tree leads to: their own tell what they are of, by their shape.
  void read_strays() {
    for (uint32_t number = 1; number <= file_.pages() && !stopped(); ++number) {
      if (seen_.contains(number) || skip_.contains(number)) continue;
      if (page_kind(file_.page(number), number) != PageKind::kLeaf) continue;
      const LeafRows leaf = read_leaf(file_, number);
      if (leaf.rows.empty()) continue;
      if (Table* table = owner_of(leaf.rows))
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

  /// A clause may have been translated since: its row without language is that row's past.
  void drop_overtaken() {
    begin();
    database_.run(
        "DELETE FROM utterances AS t WHERE target_language = '' AND EXISTS (SELECT 1 FROM "
        "utterances u WHERE u.target_language <> '' AND (u.trace_id, u.channel, u.utterance, "
        "u.clause) = (t.trace_id, t.channel, t.utterance, t.clause))");
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
  if (uncounted_pages > 0)
    text +=
        "; " + std::to_string(uncounted_pages) +
        " of the lost pages are of tables of which nothing is left: their rows cannot be counted";
  if (schema_lost)
    text +=
        "; the page that tells where the tables begin is lost: of a table that fitted on one page, "
        "and is not named here, nobody can tell whether it had rows";
  return text;
}

JournalSalvage salvage(const std::string& damaged, const std::string& journal,
                       const std::atomic<bool>& stop) {
  return Salvage(damaged, journal, stop).run();
}

}  // namespace dragoman
