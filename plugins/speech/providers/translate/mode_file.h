// SPDX-License-Identifier: LGPL-2.1-or-later
// Apertium's mode files: which programs, one after the other, translate a pair.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// One program of the chain and its arguments.
using ModeStage = std::vector<std::string>;

inline constexpr char kApertiumModesDir[] = "/usr/share/apertium/modes";

/// The stages of a mode file's one line (`a | b 'c d' | …`), made ready for null-flush mode: every
/// program gets `-z`, `$1` becomes `-n` (generate without marks on unknown words, what `apertium
/// -u` does) and `$2` becomes nothing (no marks from the tagger). Empty if the text is no such
/// line.
std::vector<ModeStage> parse_mode(std::string_view text);

/// The mode file for a pair of BCP 47 tags, under any of the names that Apertium's packages use:
/// ISO 639-3 or 639-1 codes, the target's region first ("spa-eng_US").
std::optional<std::filesystem::path> find_mode(const std::filesystem::path& modes_dir,
                                               std::string_view from, std::string_view to);

/// What to do about a pair without a mode file: names Debian's package, where there is one.
std::string missing_pair_cure(std::string_view from, std::string_view to);

/// "es" of "es-MX", in lower case.
std::string primary_tag(std::string_view language);

}  // namespace dragoman
