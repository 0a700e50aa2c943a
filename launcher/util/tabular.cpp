// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/tabular.h"

#include <glib.h>

namespace dragoman {
namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

}  // namespace

std::string padded(const std::string& text, size_t width, Align align) {
  const auto length = static_cast<size_t>(g_utf8_strlen(text.c_str(), -1));
  const std::string blanks(length < width ? width - length : 0, ' ');
  return align == Align::kRight ? blanks + text : text + blanks;
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) line += (i ? "," : "") + quoted(fields[i]);
  return line + "\r\n";
}

}  // namespace dragoman
