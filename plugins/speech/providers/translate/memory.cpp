// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/memory.h"

#include <glib.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "plugins/common/shared_data.h"
#include "plugins/speech/providers/translate/mode_file.h"
#include "plugins/speech/providers/translate/phrase.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const fs::path& source) {
  std::error_code error;
  if (!fs::is_directory(source, error)) return {source};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(source, error))
    if (entry.path().extension() == ".tmx") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Changes whenever a file is added, removed or written.
std::string stamp_of(const std::vector<fs::path>& files) {
  std::string stamp;
  for (const auto& file : files) {
    std::error_code error;
    auto time = fs::last_write_time(file, error);
    auto size = error ? 0 : fs::file_size(file, error);
    stamp += file.string() + '\n' +
             (error ? "-" : std::to_string(time.time_since_epoch().count())) + ' ' +
             std::to_string(size) + '\n';
  }
  return stamp;
}

// The memory as it is asked about one request.
struct Lookup {
  const MemoryIndex& index;
  const std::string from, to;
  const double threshold;
  std::optional<std::string> operator()(const std::string& sentence) const {
    return index.find(sentence, from, to, threshold);
  }
  // A part of a sentence must be the very phrase.
  std::optional<std::string> exact(const std::string& part) const {
    return index.find(part, from, to, 1);
  }
};

// The sentence cut at its commas, and where it begins with a phrase that needs none.
std::vector<Stretch> parts_of(const std::string& sentence, const Lookup& lookup) {
  auto parts = split_at_commas(sentence);
  if (parts.empty()) return parts;
  auto& first = parts.front();
  size_t length = lookup.index.detachable(first.text, lookup.from, lookup.to);
  if (length == 0) return parts;
  Stretch start{first.text.substr(0, length), ", "};
  first.text.erase(0, length + 1);
  parts.insert(parts.begin(), std::move(start));
  return parts;
}

// A sentence as pieces: known phrases at its start and its end, set off by commas, and what is
// between them in one piece. Empty if nothing is known.
std::vector<TranslatePiece> known_ends(const std::string& sentence, const Lookup& lookup) {
  auto parts = parts_of(sentence, lookup);
  if (parts.size() < 2) return {};
  std::vector<TranslatePiece> head, tail;
  size_t begin = 0, end = parts.size();
  for (; begin < end; ++begin) {
    auto text = lookup.exact(parts[begin].text);
    if (!text) break;
    head.push_back({parts[begin].text, text, parts[begin].glue});
  }
  // What ends a question is part of it: "are you there, sir?"
  bool question = ending_of(sentence) == Ending::question;
  for (; end > begin && !question; --end) {
    auto text = lookup.exact(parts[end - 1].text);
    if (!text) break;
    tail.push_back({parts[end - 1].text, text, parts[end - 1].glue});
  }
  if (head.empty() && tail.empty()) return {};
  if (begin < end) {
    TranslatePiece middle;
    for (size_t i = begin; i < end; ++i)
      middle.source += parts[i].text + (i + 1 < end ? parts[i].glue : "");
    middle.glue = parts[end - 1].glue;
    head.push_back(std::move(middle));
  }
  head.insert(head.end(), std::make_move_iterator(tail.rbegin()),
              std::make_move_iterator(tail.rend()));
  return head;
}

// Neighbours that are both left to the next provider are one piece: it sees more of the sentence.
void append(std::vector<TranslatePiece>& pieces, TranslatePiece piece) {
  if (!pieces.empty() && !pieces.back().text && !piece.text) {
    pieces.back().source += pieces.back().glue + piece.source;
    pieces.back().glue = piece.glue;
  } else {
    pieces.push_back(std::move(piece));
  }
}

std::vector<TranslatePiece> pieces_of(const std::string& text, const Lookup& lookup) {
  std::vector<TranslatePiece> pieces;
  for (auto& sentence : split_sentences(text)) {
    auto whole = lookup(sentence.text);
    auto parts = whole ? std::vector<TranslatePiece>{{sentence.text, whole, {}}}
                       : known_ends(sentence.text, lookup);
    if (parts.empty()) parts.push_back({sentence.text, std::nullopt, {}});
    parts.back().glue = sentence.glue;
    for (auto& part : parts) append(pieces, std::move(part));
  }
  return pieces;
}

TranslateResult result_of(std::vector<TranslatePiece> pieces) {
  auto known = [](const TranslatePiece& piece) { return piece.text.has_value(); };
  if (std::none_of(pieces.begin(), pieces.end(), known)) return {};
  if (!std::all_of(pieces.begin(), pieces.end(), known))
    return {.status = TranslateResult::Status::partly, .pieces = std::move(pieces)};
  std::string text;
  for (const auto& piece : pieces) text += *piece.text + piece.glue;
  return TranslateResult::translated(std::move(text));
}

}  // namespace

MemoryProvider::MemoryProvider(fs::path source, double threshold)
    : source_(std::move(source)), threshold_(threshold) {}

std::shared_ptr<const MemoryIndex> MemoryProvider::index() {
  auto files = files_of(source_);
  auto stamp = stamp_of(files);
  std::lock_guard lock(mutex_);
  if (index_ && stamp == stamp_) return index_;
  auto index = std::make_shared<MemoryIndex>();
  if (files.empty())
    index->add_error(source_.string() +
                     ": no translation memory (*.tmx) there: set DRAGOMAN_DATA to the folder that "
                     "holds `memories`, or install the project");
  for (const auto& file : files) index->add(read_tmx(file));
  index_ = index;
  stamp_ = stamp;
  return index_;
}

TranslateResult MemoryProvider::translate(const TranslateRequest& request) {
  auto index = this->index();
  std::string from = primary_tag(request.from), to = primary_tag(request.to);
  Lookup lookup{*index, from, to, threshold_};
  auto whole = lookup(request.text);
  auto result =
      whole ? TranslateResult::translated(*whole) : result_of(pieces_of(request.text, lookup));
  result.error = index->error();
  if (index->size() == 0 && !result.error.empty())
    return TranslateResult::failed_for_good(result.error);
  return result;
}

std::string MemoryProvider::prepare(const std::string&, const std::string&) {
  return index()->error();
}

fs::path memories_dir() { return shared_data("memories"); }

std::unique_ptr<TranslateProvider> make_memory_provider(std::string_view option) {
  double threshold = MemoryProvider::kDefaultThreshold;
  if (!option.empty()) {
    std::string text(option);
    char* end = nullptr;
    threshold = g_ascii_strtod(text.c_str(), &end);
    if (*end != 0 || !(threshold >= 0 && threshold <= 1)) return nullptr;
  }
  return std::make_unique<MemoryProvider>(memories_dir(), threshold);
}

}  // namespace dragoman
