// SPDX-License-Identifier: LGPL-2.1-or-later
// Translation memories in TMX 1.4b (LISA OSCAR standard, 2005).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// What one phrase is in one language. UTF-8, plain text: inline codes of the format are left out.
struct TmxVariant {
  std::string language;  ///< BCP 47, as written in the file
  std::string text;
};

struct TmxUnit {
  std::vector<TmxVariant> variants;
  /// The source's language: the unit's or the file's `srclang`; empty: any (`*all*`).
  std::string source_language;
  int line = 0;  ///< where the unit begins
  /// `<prop type="x-detachable">yes</prop>`: the phrase may be cut off the start of a sentence even
  /// without a comma, and the rest translated by itself ("please").
  bool detachable = false;
};

struct TmxFile {
  std::vector<TmxUnit> units;
  /// Empty if all went well; else "FILE:LINE: what is wrong: what to do", and `units` is empty.
  std::string error;
};

/// Files larger than this are refused.
inline constexpr size_t kMaxTmxBytes = 64 << 20;

/// Reads the file. Opens nothing else: no network, no external DTD or entities.
TmxFile read_tmx(const std::filesystem::path& path);

/// The same of text in memory; `name` stands in messages.
TmxFile parse_tmx(std::string_view text, const std::string& name);

}  // namespace dragoman
