// SPDX-License-Identifier: LGPL-2.1-or-later
// Text in columns: for the terminal, and for spreadsheets.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dragoman {

/// Where the text stands in a column that is wider.
enum class Align { kLeft, kRight };

/// `text` (UTF-8) filled with blanks to `width` characters; longer text stays whole.
std::string padded(const std::string& text, size_t width, Align align = Align::kLeft);

/// The fields as one line of CSV with its end, quoted where they need it (RFC 4180).
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace dragoman
