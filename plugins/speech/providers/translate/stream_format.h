// SPDX-License-Identifier: LGPL-2.1-or-later
// Apertium's stream format: how text is written to its programs, and read back.
#pragma once

#include <string>
#include <string_view>

namespace dragoman {

/// `text` as one null-flushed request: what the format gives a meaning to is escaped, control
/// characters become spaces, the end is marked (`.[]`, so that a last sentence without a full stop
/// is one) and NUL follows.
std::string to_apertium(std::string_view text);

/// Whether the end mark came back. An answer without it was cut short: a program that loses its
/// input ends what it has with NUL, as if it were whole.
bool is_whole(std::string_view answer);

/// The plain text of an answer (without its NUL): mark and escapes off, runs of spaces one space.
std::string from_apertium(std::string_view answer);

/// Makes an answer fit to be read and spoken: marks of unknown words (`*`, `@`, `#`) that are not
/// in `source` go; no space before punctuation; the first letter's case as in `source`; a question
/// in Spanish opens with `¿`, an exclamation with `¡`, and neither stands in another language.
std::string polish(std::string_view source, std::string_view answer, std::string_view to);

}  // namespace dragoman
