// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/memory_index.h"

#include <glib.h>

#include <algorithm>
#include <cctype>

#include "plugins/speech/providers/translate/mode_file.h"

namespace dragoman {
namespace {

constexpr size_t kMaxPhraseBytes = 2000;  // nobody says more in a breath

bool is_word_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
}

// Places in `text` where `word` stands by itself, whatever its case.
std::vector<size_t> places_of(std::string_view word, std::string_view text) {
  std::vector<size_t> places;
  for (size_t at = 0; at + word.size() <= text.size(); ++at) {
    if (g_ascii_strncasecmp(text.data() + at, word.data(), word.size()) != 0) continue;
    bool before = at > 0 && is_word_byte(text[at - 1]);
    size_t end = at + word.size();
    bool after = end < text.size() && is_word_byte(text[end]);
    if (!before && !after) places.push_back(at);
  }
  return places;
}

struct Replacement {
  size_t at, length;
  std::string text;
};

// Where the number `was` stands in `target` and what to write there; nothing unless it stands there
// exactly once.
std::optional<Replacement> replacement(const std::string& was, const std::string& now,
                                       const std::string& target, std::string_view to) {
  std::optional<Replacement> found;
  for (bool spelled : {false, true}) {
    std::string old_form = spelled ? number_word(was, to) : was;
    if (old_form.empty()) continue;
    for (size_t at : places_of(old_form, target)) {
      if (found) return {};
      // One and many differ in grammar ("un mensaje", "dos mensajes").
      if (spelled && (was == "1" || now == "1")) return {};
      std::string word = spelled ? number_word(now, to) : now;
      found = {at, old_form.size(), word.empty() ? now : word};
    }
  }
  return found;
}

std::vector<std::string> texts_in(const std::vector<PhraseWord>& words, PhraseWord::Kind kind) {
  std::vector<std::string> out;
  for (const auto& word : words)
    if (word.kind == kind) out.push_back(word.text);
  return out;
}

// A question and a statement of the same words mean different things where their order does not
// tell: in English it does.
bool endings_agree(Ending spoken, Ending known, std::string_view from) {
  if ((spoken == Ending::question) == (known == Ending::question)) return true;
  return spoken == Ending::none || from == "en";
}

std::string without_stop(std::string text) {
  while (text.ends_with('.') || text.ends_with("…"))
    text.resize(text.size() - (text.ends_with('.') ? 1 : 3));
  return text;
}

// The unit's translation as this phrase would have it: its first letter's case, its full stop.
std::string fitted(std::string_view phrase, std::string_view source, std::string target,
                   std::string_view to) {
  bool lowered = !starts_upper(phrase) && starts_upper(source) && starts_upper(target);
  bool keeps_capital = to == "en" && is_english_i(target);
  if (lowered && !keeps_capital) target = with_first_letter(target, LetterCase::lower);
  if (starts_upper(phrase)) target = with_first_letter(target, LetterCase::upper);
  Ending spoken = ending_of(phrase), known = ending_of(target);
  if (spoken == Ending::none) return without_stop(target);
  if (known == Ending::none)
    target += spoken == Ending::question ? "?" : spoken == Ending::exclamation ? "!" : ".";
  if (spoken == Ending::question && known == Ending::statement) target = without_stop(target) + "?";
  if (to == "es" && target.ends_with('?') && target.find("¿") == std::string::npos)
    target.insert(0, "¿");
  if (to == "es" && target.ends_with('!') && target.find("¡") == std::string::npos)
    target.insert(0, "¡");
  return target;
}

}  // namespace

std::optional<std::string> with_numbers(const std::vector<PhraseWord>& source,
                                        const std::vector<PhraseWord>& wanted,
                                        const std::string& target, std::string_view to) {
  auto were = texts_in(source, PhraseWord::Kind::number),
       are = texts_in(wanted, PhraseWord::Kind::number);
  if (were == are) return target;
  // With another number the other words must be the very same: "message" is not "messages".
  if (were.size() != are.size() ||
      texts_in(source, PhraseWord::Kind::content) != texts_in(wanted, PhraseWord::Kind::content))
    return {};
  std::vector<Replacement> replacements;
  for (size_t i = 0; i < were.size(); ++i) {
    if (were[i] == are[i]) continue;
    // A number that stands twice may stand for two things.
    if (std::count(were.begin(), were.end(), were[i]) != 1) return {};
    auto change = replacement(were[i], are[i], target, to);
    if (!change) return {};
    replacements.push_back(*change);
  }
  std::sort(replacements.begin(), replacements.end(),
            [](const auto& a, const auto& b) { return a.at > b.at; });
  std::string out = target;
  for (const auto& change : replacements) out.replace(change.at, change.length, change.text);
  return out;
}

void MemoryIndex::add_error(const std::string& error) {
  if (!error_.empty()) error_ += "; ";
  error_ += error;
}

void MemoryIndex::add(const TmxFile& file) {
  if (!file.error.empty()) return add_error(file.error);
  for (const auto& unit : file.units) {
    ++unit_count_;
    for (const auto& source : unit.variants)
      for (const auto& target : unit.variants)
        if (primary_tag(source.language) != primary_tag(target.language))
          add_pair(unit, source, target);
  }
}

void MemoryIndex::add_pair(const TmxUnit& unit, const TmxVariant& source,
                           const TmxVariant& target) {
  std::string from = primary_tag(source.language);
  std::string written_for = primary_tag(unit.source_language);
  bool reversed = !written_for.empty() && from != written_for;
  auto words = words_of(source.text, from);
  if (words.empty()) return;
  auto& direction = directions_[from + ">" + primary_tag(target.language)];
  size_t number = direction.entries.size();
  direction.exact.emplace(exact_key(words), number);
  direction.content.emplace(content_key(words), number);
  if (unit.detachable) direction.detachable.push_back(without_stop(source.text));
  direction.entries.push_back({source.text, target.text, std::move(words), reversed});
}

size_t MemoryIndex::detachable(std::string_view phrase, std::string_view from,
                               std::string_view to) const {
  auto found = directions_.find(std::string(from) + ">" + std::string(to));
  if (found == directions_.end()) return 0;
  for (const auto& start : found->second.detachable)
    if (phrase.size() > start.size() + 1 && phrase[start.size()] == ' ' &&
        g_ascii_strncasecmp(phrase.data(), start.data(), start.size()) == 0)
      return start.size();
  return 0;
}

std::optional<std::string> MemoryIndex::find(std::string_view phrase, std::string_view from,
                                             std::string_view to, double threshold) const {
  auto found = directions_.find(std::string(from) + ">" + std::string(to));
  if (found == directions_.end() || phrase.size() > kMaxPhraseBytes) return {};
  const auto& entries = found->second.entries;
  auto words = words_of(phrase, from);
  if (words.empty()) return {};

  // Exact before alike, the file's own direction before a reversed one, then the order of files.
  struct Candidate {
    double similarity;
    const Entry* entry;
    std::string target;
  };
  std::optional<Candidate> best;
  auto consider = [&](size_t number, double alike) {
    const Entry& entry = entries[number];
    if (alike < threshold || !endings_agree(ending_of(phrase), ending_of(entry.source), from))
      return;
    auto rank = [&](double value, const Entry& e) {
      bool same_ending = ending_of(phrase) == ending_of(e.source);
      return std::tuple(value, !e.reversed, same_ending, -(&e - entries.data()));
    };
    if (best && rank(alike, entry) <= rank(best->similarity, *best->entry)) return;
    if (auto target = with_numbers(entry.words, words, entry.target, to))
      best = {alike, &entry, *target};
  };
  auto [begin, end] = found->second.exact.equal_range(exact_key(words));
  for (auto it = begin; it != end; ++it) consider(it->second, 1.0);
  if (!best) {
    auto [first, last] = found->second.content.equal_range(content_key(words));
    for (auto it = first; it != last; ++it)
      consider(it->second, std::min(0.999, similarity(entries[it->second].words, words)));
  }
  if (!best) return {};
  return fitted(phrase, best->entry->source, best->target, to);
}

}  // namespace dragoman
