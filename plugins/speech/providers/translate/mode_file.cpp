// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/mode_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace dragoman {
namespace {

// ISO 639-1 to ISO 639-3, for the languages that Apertium's packages know.
constexpr std::array<std::pair<std::string_view, std::string_view>, 37> kCodes{{
    {"af", "afr"}, {"an", "arg"}, {"ar", "ara"}, {"be", "bel"}, {"bg", "bul"}, {"br", "bre"},
    {"ca", "cat"}, {"cy", "cym"}, {"da", "dan"}, {"de", "deu"}, {"en", "eng"}, {"eo", "epo"},
    {"es", "spa"}, {"eu", "eus"}, {"fr", "fra"}, {"gl", "glg"}, {"hi", "hin"}, {"hr", "hbs"},
    {"id", "ind"}, {"is", "isl"}, {"it", "ita"}, {"mk", "mkd"}, {"ms", "zlm"}, {"nb", "nob"},
    {"nl", "nld"}, {"nn", "nno"}, {"oc", "oci"}, {"pl", "pol"}, {"pt", "por"}, {"ro", "ron"},
    {"ru", "rus"}, {"sc", "srd"}, {"sl", "slv"}, {"sr", "hbs"}, {"sv", "swe"}, {"uk", "ukr"},
    {"ur", "urd"},
}};

// Debian 12's packages with translation data, by the codes in their names.
constexpr std::array<std::string_view, 40> kPackages{
    "afr-nld", "arg-cat", "bel-rus", "br-fr",   "cat-ita", "cat-srd", "dan-nor", "en-gl",
    "eng-cat", "eng-spa", "eo-ca",   "eo-en",   "eo-es",   "eo-fr",   "es-gl",   "es-pt",
    "es-ro",   "eu-en",   "eu-es",   "fr-es",   "fra-cat", "hbs-eng", "hbs-mkd", "hbs-slv",
    "ind-zlm", "isl-eng", "isl-swe", "mkd-bul", "mkd-eng", "nno-nob", "oc-ca",   "oc-es",
    "oci-fra", "pol-szl", "por-cat", "pt-gl",   "rus-ukr", "spa-ast", "spa-cat", "spa-ita"};

std::string region_of(std::string_view language) {
  auto dash = language.find_first_of("-_");
  if (dash == std::string_view::npos) return {};
  std::string region(language.substr(dash + 1));
  std::transform(region.begin(), region.end(), region.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  return region;
}

// The codes a language may have in a file's name, likeliest first.
std::vector<std::string> codes_of(std::string_view language) {
  std::string primary = primary_tag(language);
  std::vector<std::string> codes;
  for (auto [two, three] : kCodes)
    if (primary == two || primary == three) {
      codes.emplace_back(three);
      codes.emplace_back(two);
    }
  if (codes.empty()) codes.push_back(primary);
  return codes;
}

// Splits a mode file's line as a shell would: blanks separate, quotes hold together, | is a word of
// its own.
std::vector<std::string> shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = 0;
  auto close = [&] {
    if (open) words.push_back(std::exchange(word, {}));
    open = false;
  };
  for (char c : text) {
    if (quote) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      close();
    } else if (c == '|') {
      close();
      words.emplace_back("|");
    } else {
      word += c;
      open = true;
    }
  }
  close();
  return words;
}

}  // namespace

std::string primary_tag(std::string_view language) {
  std::string primary(language.substr(0, language.find_first_of("-_")));
  std::transform(primary.begin(), primary.end(), primary.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return primary;
}

std::vector<ModeStage> parse_mode(std::string_view text) {
  std::vector<ModeStage> stages(1);
  for (auto& word : shell_words(text)) {
    if (word == "|")
      stages.emplace_back();
    else if (word == "$1")
      stages.back().emplace_back("-n");
    else if (word != "$2")
      stages.back().push_back(std::move(word));
  }
  for (auto& stage : stages) {
    if (stage.empty()) return {};
    if (std::find(stage.begin(), stage.end(), "-z") == stage.end())
      stage.insert(stage.begin() + 1, "-z");
  }
  return stages;
}

std::optional<std::filesystem::path> find_mode(const std::filesystem::path& modes_dir,
                                               std::string_view from, std::string_view to) {
  std::vector<std::string> endings{".mode"};
  if (auto region = region_of(to); !region.empty())
    endings.insert(endings.begin(), "_" + region + ".mode");
  for (const auto& ending : endings)
    for (const auto& source : codes_of(from))
      for (const auto& target : codes_of(to)) {
        auto path = modes_dir / (source + "-" + target + ending);
        std::error_code error;
        if (std::filesystem::is_regular_file(path, error)) return path;
      }
  return {};
}

std::string missing_pair_cure(std::string_view from, std::string_view to) {
  for (const auto& source : codes_of(from))
    for (const auto& target : codes_of(to))
      for (auto package : kPackages)
        if (package == source + "-" + target || package == target + "-" + source)
          return "apt-get install apertium-" + std::string(package);
  return "Debian has no Apertium package for this pair: choose another provider or a translation "
         "memory";
}

}  // namespace dragoman
