// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/secrets.h"

#include <glib.h>

#include <regex>
#include <sstream>
#include <vector>

namespace dragoman {
namespace {

constexpr size_t kShortestSecret = 6;

/// Values of the environment that must stay there.
std::vector<std::string> environment_secrets() {
  static const std::regex name(".*(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY)", std::regex::icase);
  std::vector<std::string> values;
  g_auto(GStrv) names = g_listenv();
  for (char** each = names; *each; ++each) {
    const char* value = g_getenv(*each);
    if (value && std::regex_match(*each, name) && std::string(value).size() >= kShortestSecret)
      values.emplace_back(value);
  }
  return values;
}

bool looks_secret(const std::string& line) {
  // A value that begins with '$' is a pipeline's parameter: the secret is not in the file.
  static const std::regex given(
      R"re((password|passwd|secret|token|api[-_]?key)["']?\s*[=:]\s*["']?[^\s"'$])re",
      std::regex::icase);
  static const std::regex in_url(R"re(://[^/@\s:]+:[^/@\s]+@)re");
  return std::regex_search(line, given) || std::regex_search(line, in_url);
}

}  // namespace

std::optional<int> find_secret(const std::string& text) {
  const std::vector<std::string> values = environment_secrets();
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (looks_secret(line)) return number;
    for (const std::string& value : values)
      if (line.find(value) != std::string::npos) return number;
  }
  return {};
}

}  // namespace dragoman
