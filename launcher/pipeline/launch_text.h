// SPDX-License-Identifier: LGPL-2.1-or-later
// Text in gst-launch's syntax: values put in safely, words taken out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dragoman {

/// `value` so that gst_parse_launch() reads exactly it as the value of a property, whatever it
/// holds; also through an unquoted shell expansion and gst-launch-1.0's argument list. For UTF-8 on
/// one line. `alone`: it is the whole value, not a part of one.
enum class Extent { kAlone, kPart };
std::string escape_value(const std::string& value, Extent extent);

/// What gst_parse_launch() makes of the raw text after an assignment's '='.
std::string unescape_value(const std::string& raw);

/// A place in a body where `${name}` stands.
struct Reference {
  size_t offset = 0, length = 0;
  std::string name;
  Extent extent = Extent::kPart;
  bool quoted = false;     ///< within quotes
  bool ends_word = false;  ///< white space or nothing follows
};

/// All `${name}` in `body`, in order. An unclosed "${" is reported with an empty name and the rest
/// of its line as length.
std::vector<Reference> find_references(const std::string& body);

/// `element` or `property=value` in a launch line. The others (links, caps, pads) are not reported.
struct LaunchWord {
  enum class Kind { kElement, kProperty } kind = Kind::kElement;
  std::string element;          ///< factory name; of a property: the one it is set on
  std::string property, value;  ///< the value as written, escapes and quotes included
  size_t offset = 0;            ///< in the text
};

std::vector<LaunchWord> launch_words(const std::string& text);

/// The line, from `first_line`, on which `offset` of `text` is.
int line_at(const std::string& text, size_t offset, int first_line);

/// `text` on one line that a shell may split at white space and gst-launch-1.0 join again.
std::string one_line(const std::string& text);

}  // namespace dragoman
