// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/parameter_type.h"

#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "launcher/util/paths.h"

namespace dragoman {
namespace {

struct TypeEntry {
  ParameterType type;
  const char *name, *description, *sample;
};
constexpr TypeEntry kTypes[] = {
    {ParameterType::kInt, "int", "a whole number", "0"},
    {ParameterType::kNumber, "number", "a number", "0"},
    {ParameterType::kString, "string", "a text on one line", "sample"},
    {ParameterType::kBool, "bool", "true or false", "false"},
    {ParameterType::kLanguage, "language", "a language tag such as en, es or pt-BR", "en"},
    {ParameterType::kPath, "path", "a path", "/dev/null"},
    {ParameterType::kFile, "file", "a file that can be read", "/dev/null"},
    {ParameterType::kDecibel, "decibel", "a gain in dB, -100 to 20", "0"},
};

constexpr double kLeastGain = -100, kMostGain = 20;  // dB; `volume` takes a factor of up to 10

const TypeEntry& entry_of(ParameterType type) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes),
                       [type](const TypeEntry& entry) { return entry.type == type; });
}

bool is_int(const std::string& value) {
  return g_ascii_string_to_signed(value.c_str(), 10, G_MININT64, G_MAXINT64, nullptr, nullptr);
}

bool is_number(const std::string& value) {
  if (value.empty() || g_ascii_isspace(value.front())) return false;
  char* end = nullptr;
  const double number = g_ascii_strtod(value.c_str(), &end);
  return *end == '\0' && std::isfinite(number) && value.find_first_of("xX") == std::string::npos;
}

/// -6 becomes 0.501.
bool make_factor(std::string& value) {
  if (!is_number(value)) return false;
  const double decibels = g_ascii_strtod(value.c_str(), nullptr);
  if (decibels < kLeastGain || decibels > kMostGain) return false;
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  value = g_ascii_formatd(text, sizeof text, "%.6g", std::pow(10, decibels / 20));
  return true;
}

bool make_bool(std::string& value) {
  for (const char* yes : {"true", "yes", "on", "1"}) {
    if (!g_ascii_strcasecmp(value.c_str(), yes)) return value = "true", true;
  }
  for (const char* no : {"false", "no", "off", "0"}) {
    if (!g_ascii_strcasecmp(value.c_str(), no)) return value = "false", true;
  }
  return false;
}

bool is_language(const std::string& value) {
  return g_regex_match_simple("^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", value.c_str(),
                              G_REGEX_DOLLAR_ENDONLY, GRegexMatchFlags(0));
}

bool can_read_file(const std::string& path, std::string& error) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    error = "'" + path + "' cannot be read: " + g_strerror(errno);
  } else if (S_ISDIR(info.st_mode)) {
    error = "'" + path + "' is a folder, not a file";
  } else if (access(path.c_str(), R_OK) != 0) {
    error = "'" + path + "' cannot be read: " + g_strerror(errno);
  }
  return error.empty();
}

bool on_one_line(const std::string& value) {
  const bool control = std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return !control && g_utf8_validate(value.data(), static_cast<gssize>(value.size()), nullptr);
}

}  // namespace

std::optional<ParameterType> parameter_type(const std::string& name) {
  for (const TypeEntry& entry : kTypes) {
    if (name == entry.name) return entry.type;
  }
  return std::nullopt;
}

const char* name_of(ParameterType type) { return entry_of(type).name; }
const char* description_of(ParameterType type) { return entry_of(type).description; }
const char* sample_of(ParameterType type) { return entry_of(type).sample; }

bool normalise(ParameterType type, FileCheck look, std::string& value, std::string& error) {
  if (!on_one_line(value)) {
    error = "the value holds a control character or is not UTF-8";
    return false;
  }
  bool good = true;
  switch (type) {
    case ParameterType::kInt:
      good = is_int(value);
      break;
    case ParameterType::kNumber:
      good = is_number(value);
      break;
    case ParameterType::kString:
      break;
    case ParameterType::kBool:
      good = make_bool(value);
      break;
    case ParameterType::kLanguage:
      good = is_language(value);
      break;
    case ParameterType::kPath:
      value = expand_home(value);
      break;
    case ParameterType::kDecibel:
      good = make_factor(value);
      break;
    case ParameterType::kFile:
      value = expand_home(value);
      if (look == FileCheck::kLook) return can_read_file(value, error);
      break;
  }
  if (!good) error = "'" + value + "' is not " + description_of(type);
  return good;
}

}  // namespace dragoman
