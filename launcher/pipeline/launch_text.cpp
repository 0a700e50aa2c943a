// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/launch_text.h"

#include <glib.h>

#include <algorithm>
#include <cstring>

namespace dragoman {
namespace {

bool is_space(char c) { return g_ascii_isspace(c); }

bool is_plain(char c) {
  return g_ascii_isalnum(c) || static_cast<unsigned char>(c) >= 0x80 || std::strchr("_./:+@,%-", c);
}

bool is_identifier(const std::string& word) {
  return !word.empty() && (g_ascii_isalnum(word[0]) || word[0] == '_') &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return g_ascii_isalnum(c) || std::strchr("_-%:", c); });
}

/// End of the quoted text that begins at `start`; npos if it never ends.
size_t quoted_end(const std::string& text, size_t start) {
  for (size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == text[start] && text[i - 1] != '\\') return i + 1;
  }
  return std::string::npos;
}

/// End of the value that begins at `start`: a quoted text, or up to white space that is not
/// escaped.
size_t value_end(const std::string& text, size_t start) {
  if (start < text.size() && (text[start] == '"' || text[start] == '\'')) {
    if (const size_t end = quoted_end(text, start); end != std::string::npos) return end;
  }
  size_t i = start;
  while (i < text.size() && !is_space(text[i])) i += text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
  return i;
}

size_t skip_space(const std::string& text, size_t i) {
  while (i < text.size() && is_space(text[i])) ++i;
  return i;
}

/// Whether `${…}` at `offset` is within quotes, and where the value that holds it begins.
bool within_quotes(const std::string& body, size_t offset) {
  for (size_t i = 0; i < offset; ++i) {
    const bool opens = (body[i] == '"' || body[i] == '\'') &&
                       (i == 0 || is_space(body[i - 1]) || body[i - 1] == '=');
    if (!opens) continue;
    const size_t end = quoted_end(body, i);
    if (end == std::string::npos) return false;
    if (end > offset) return true;
    i = end - 1;
  }
  return false;
}

class WordReader {
 public:
  explicit WordReader(const std::string& text) : text_(text) {}

  std::vector<LaunchWord> read() {
    while ((at_ = skip_space(text_, at_)) < text_.size()) step();
    return std::move(words_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '!') {
      ++at_;
      skip_caps();
    } else if (std::strchr("(){};", c)) {
      element_.clear();
      ++at_;
    } else if (c == '"' || c == '\'') {
      at_ = value_end(text_, at_);
    } else {
      word();
    }
  }

  /// Caps stand between two '!' and may hold white space.
  void skip_caps() {
    const size_t start = skip_space(text_, at_);
    size_t i = start;
    while (i < text_.size() && (g_ascii_isalnum(text_[i]) || text_[i] == '-')) ++i;
    if (i == start || i >= text_.size() || text_[i] != '/') return;
    const size_t end = text_.find('!', i);
    at_ = end == std::string::npos ? text_.size() : end;
  }

  void word() {
    const size_t start = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) && !std::strchr("=!()", text_[at_])) ++at_;
    const std::string name = text_.substr(start, at_ - start);
    const size_t equals = skip_space(text_, at_);
    if (equals < text_.size() && text_[equals] == '=') {
      const size_t value = skip_space(text_, equals + 1);
      at_ = value_end(text_, value);
      words_.push_back(
          {LaunchWord::Kind::kProperty, element_, name, text_.substr(value, at_ - value), start});
    } else if (is_identifier(name)) {
      element_ = name;
      words_.push_back({LaunchWord::Kind::kElement, name, {}, {}, start});
    } else {
      element_.clear();  // a pad or element reference, a URI
    }
  }

  const std::string& text_;
  size_t at_ = 0;
  std::string element_;
  std::vector<LaunchWord> words_;
};

}  // namespace

std::string escape_value(const std::string& value, Extent extent) {
  if (value.empty()) return extent == Extent::kAlone ? "\"\"" : "";
  std::string text = value;
  if (extent == Extent::kAlone &&
      ((text.front() == '"' && text.back() == '"') || text.back() == '\\')) {
    // A string property takes the first for a quoted text, and the parser's scanner takes the white
    // space after the second for part of it: quote them once more.
    std::string inner;
    for (const char c : text) {
      if (c == '"' || c == '\\') inner += '\\';
      inner += c;
    }
    text = '"' + inner + '"';
  }
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    // After a space the shell begins a new word, and gst-launch-1.0 takes one with '-' for an
    // option.
    const bool option = text[i] == '-' && i > 0 && text[i - 1] == ' ';
    if (!is_plain(text[i]) || option) out += '\\';
    out += text[i];
  }
  return out;
}

std::string unescape_value(const std::string& raw) {
  std::string text = raw;
  if (text.size() > 1 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && !quoted) {
      if (++i == text.size()) break;
    } else if (text[i] == '"' && (!quoted || text[i - 1] != '\\')) {
      quoted = !quoted;
    }
    out += text[i];
  }
  return out;
}

std::vector<Reference> find_references(const std::string& body) {
  std::vector<Reference> found;
  for (size_t at = body.find("${"); at != std::string::npos; at = body.find("${", at + 2)) {
    const size_t line_end = std::min(body.find('\n', at), body.size());
    const size_t close = body.find('}', at);
    Reference reference{at, line_end - at, {}, Extent::kPart, within_quotes(body, at)};
    if (close < line_end) {
      reference.length = close + 1 - at;
      reference.name = body.substr(at + 2, close - at - 2);
      const bool starts = at > 0 && (body[at - 1] == '=' || is_space(body[at - 1]));
      reference.ends_word = close + 1 == body.size() || is_space(body[close + 1]);
      if (starts && reference.ends_word) reference.extent = Extent::kAlone;
    }
    found.push_back(reference);
  }
  return found;
}

std::vector<LaunchWord> launch_words(const std::string& text) { return WordReader(text).read(); }

int line_at(const std::string& text, size_t offset, int first_line) {
  const auto end = text.begin() + static_cast<ptrdiff_t>(std::min(offset, text.size()));
  return first_line + static_cast<int>(std::count(text.begin(), end, '\n'));
}

std::string one_line(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool opens = (text[i] == '"' || text[i] == '\'') &&
                       (i == 0 || is_space(text[i - 1]) || text[i - 1] == '=');
    const size_t end = opens ? quoted_end(text, i) : std::string::npos;
    if (end != std::string::npos) {
      // White space within quotes must come through the shell's splitting as it is.
      for (; i < end; ++i) {
        if (is_space(text[i]) && text[i - 1] != '\\') out += '\\';
        out += is_space(text[i]) ? ' ' : text[i];
      }
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      out += text.substr(i, 2);
      i += 2;
    } else if (is_space(text[i])) {
      i = skip_space(text, i);
      if (!out.empty() && i < text.size()) out += ' ';
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace dragoman
