// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/pipeline_file.h"

#include <glib.h>

#include <algorithm>
#include <iterator>

#include "launcher/pipeline/launch_text.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

constexpr const char* kSections[] = {"pipeline", "parameters", "knobs", "launch"};
enum Section { kNone = -1, kPipeline, kParameters, kKnobs, kLaunch };

/// A pipeline file is written by hand; what is larger is none.
constexpr size_t kMaxFileBytes = 256 * 1024;

std::string strip(const std::string& text) {
  const char* white = " \t\r";
  const size_t first = text.find_first_not_of(white);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

bool is_name(const std::string& text, const char* more) {
  return !text.empty() && g_ascii_isalpha(text[0]) &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" +
                                std::string(more)) == std::string::npos;
}

std::vector<std::string> names_of(const std::vector<PipelineParameter>& parameters) {
  std::vector<std::string> names;
  for (const PipelineParameter& parameter : parameters) names.push_back(parameter.name);
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string cure_for_unknown(const std::string& name, const std::vector<std::string>& known) {
  const std::string guess = did_you_mean(name, known);
  if (known.empty()) return "this file takes none";
  return (guess.empty() ? "" : guess + " ") + "there are: " + joined(known);
}

}  // namespace

/// Reads a file line by line.
class PipelineReader {
 public:
  PipelineReader(const std::string& path, Problems& problems) : problems_(problems) {
    file_.path_ = path;
  }

  std::optional<PipelineFile> read(const std::string& text) {
    const size_t before = problems_.size();
    size_t start = 0;
    while (start <= text.size()) {
      const size_t end = std::min(text.find('\n', start), text.size());
      ++line_;
      take_line(text.substr(start, end - start));
      start = end + 1;
    }
    check_body();
    if (problems_.size() > before) return std::nullopt;
    return std::move(file_);
  }

 private:
  void problem(int line, std::string what, std::string cure) {
    problems_.push_back({file_.path_, line, std::move(what), std::move(cure)});
  }

  void take_line(const std::string& raw) {
    const std::string line = strip(raw);
    const bool comment = !line.empty() && line[0] == '#';
    if (section_ == kLaunch) {
      if (raw.size() > 1 && line.size() > 2 && line[0] == '[' && line.back() == ']' &&
          is_name(line.substr(1, line.size() - 2), "")) {
        return take_section(line.substr(1, line.size() - 2));
      }
      file_.body_ += (comment ? "" : line) + "\n";
      return;
    }
    if (line.empty() || comment) return;
    if (line[0] == '[') {
      if (line.back() != ']')
        return problem(line_, "'" + line + "' is not a section", "end it with ']'");
      return take_section(line.substr(1, line.size() - 2));
    }
    switch (section_) {
      case kPipeline:
        return take_description(line);
      case kParameters:
        return take_parameter(line);
      case kKnobs:
        return take_knob(line);
      default:
        if (!lost_) problem(line_, "'" + line + "' is in no section", "begin with [pipeline]");
        lost_ = true;
    }
  }

  void take_section(const std::string& name) {
    const auto at = std::find(std::begin(kSections), std::end(kSections), name);
    if (at == std::end(kSections)) {
      const std::vector<std::string> known(std::begin(kSections), std::end(kSections));
      lost_ = true;
      section_ = kNone;
      return problem(line_, "unknown section [" + name + "]", cure_for_unknown(name, known));
    }
    const auto section = static_cast<Section>(at - std::begin(kSections));
    if (section <= last_) {
      problem(line_,
              section == last_ ? "section [" + name + "] a second time"
                               : "section [" + name + "] after [" + kSections[last_] + "]",
              "the order is [pipeline], [parameters], [knobs], [launch], each once");
    }
    last_ = std::max(last_, section);
    section_ = section;
    if (section == kParameters) file_.parameters_line_ = line_;
    if (section == kLaunch) file_.launch_line_ = line_ + 1;
  }

  /// Splits "key = value"; false, reported, if it is none.
  bool split(const std::string& line, std::string& key, std::string& value, const char* form) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) {
      problem(line_, "'" + line + "' is not understood", std::string("write ") + form);
      return false;
    }
    key = strip(line.substr(0, equals));
    value = strip(line.substr(equals + 1));
    return true;
  }

  void take_description(const std::string& line) {
    std::string key, value;
    if (!split(line, key, value, "description = TEXT")) return;
    if (key != "description") {
      return problem(line_, "unknown key '" + key + "' in [pipeline]",
                     "the one key there is description");
    }
    file_.description_ = value;
  }

  void take_parameter(const std::string& line) {
    constexpr const char* kForm = "NAME = TYPE DEFAULT   DESCRIPTION";
    std::string name, rest;
    if (!split(line, name, rest, kForm)) return;
    if (!is_name(name, "_-")) {
      return problem(line_, "'" + name + "' is not a parameter's name",
                     "use letters, digits, '-' and '_', a letter first");
    }
    if (file_.parameter(name)) {
      return problem(line_, "parameter '" + name + "' a second time", "remove one of the two");
    }
    PipelineParameter parameter;
    parameter.name = name;
    parameter.line = line_;
    const size_t type_end = std::min(rest.find_first_of(" \t"), rest.size());
    const std::string type_name = rest.substr(0, type_end);
    const auto type = parameter_type(type_name);
    if (!type) {
      file_.parameters_.push_back(parameter);  // so that its uses are not reported too
      return problem(line_, "unknown type '" + type_name + "' of parameter '" + name + "'",
                     "the types are int, number, string, bool, language, path, file and decibel");
    }
    parameter.type = *type;
    take_default(rest.substr(type_end), parameter);
    file_.parameters_.push_back(parameter);
  }

  /// " DEFAULT   DESCRIPTION", "   DESCRIPTION" or nothing.
  void take_default(const std::string& text, PipelineParameter& parameter) {
    if (text.empty()) return;
    if (text.size() > 1 && g_ascii_isspace(text[1])) {
      parameter.description = strip(text);
      return;
    }
    size_t end;
    if (text.size() > 1 && text[1] == '"') {
      end = text.find('"', 2);
      if (end == std::string::npos) {
        return problem(line_, "the default of '" + parameter.name + "' has no closing quote",
                       "add '\"'");
      }
      parameter.fallback = text.substr(2, end - 2);
      ++end;
    } else {
      end = std::min(text.find_first_of(" \t", 1), text.size());
      parameter.fallback = text.substr(1, end - 1);
    }
    if (end + 1 < text.size() && text[end] == ' ' && !g_ascii_isspace(text[end + 1])) {
      problem(line_,
              "a default with spaces, or a description, after '" + *parameter.fallback + "'?",
              "put a default with spaces in \"\"; leave two spaces before a description");
    }
    parameter.description = strip(text.substr(end));
    std::string checked = *parameter.fallback, error;
    if (!normalise(parameter.type, FileCheck::kTrust, checked, error)) {
      problem(line_, "the default of '" + parameter.name + "': " + error,
              std::string("give ") + description_of(parameter.type));
    }
  }

  void take_knob(const std::string& line) {
    std::string name, target;
    if (!split(line, name, target, "KNOB.NAME = ELEMENT.PROPERTY")) return;
    const size_t dot = target.find('.');
    if (!is_name(name, "_-.") || dot == std::string::npos || dot == 0 || dot + 1 == target.size()) {
      return problem(line_, "'" + line + "' is not a knob", "write KNOB.NAME = ELEMENT.PROPERTY");
    }
    if (file_.knob(name)) {
      return problem(line_, "knob '" + name + "' a second time", "remove one of the two");
    }
    file_.knobs_.push_back({name, target.substr(0, dot), target.substr(dot + 1), line_});
  }

  void check_body() {
    if (lost_) return;
    if (strip(one_line(file_.body_)).empty()) {
      return problem(file_.launch_line_ ? file_.launch_line_ : line_, "nothing to launch",
                     "add a section [launch] with the pipeline in gst-launch syntax");
    }
    for (const Reference& reference : find_references(file_.body_)) check_reference(reference);
  }

  void check_reference(const Reference& reference) {
    const int line = line_at(file_.body_, reference.offset, file_.launch_line_);
    if (reference.name.empty()) {
      return problem(line, "'${' without a name and '}'", "write ${name}");
    }
    const PipelineParameter* parameter = file_.parameter(reference.name);
    if (!parameter) {
      return problem(line, "unknown parameter '${" + reference.name + "}'",
                     did_you_mean(reference.name, names_of(file_.parameters_)) +
                         " Declare it in [parameters]");
    }
    const bool free_text = parameter->type == ParameterType::kString ||
                           parameter->type == ParameterType::kPath ||
                           parameter->type == ParameterType::kFile;
    if (reference.quoted && free_text) {
      problem(line, "${" + reference.name + "} within quotes",
              "write it without: a value is quoted by itself");
    }
  }

  Problems& problems_;
  PipelineFile file_;
  Section section_ = kNone, last_ = kNone;
  int line_ = 0;
  bool lost_ = false;  ///< in an unknown section: what follows cannot be judged
};

std::optional<PipelineFile> PipelineFile::read(const std::string& path, Problems& problems) {
  gsize size = 0;
  char* contents = nullptr;
  GError* error = nullptr;
  if (!g_file_get_contents(path.c_str(), &contents, &size, &error)) {
    problems.push_back({path, 0, error->message, "check the path"});
    g_error_free(error);
    return std::nullopt;
  }
  const CharPtr owned(contents);
  if (size > kMaxFileBytes || !g_utf8_validate(contents, static_cast<gssize>(size), nullptr)) {
    problems.push_back(
        {path, 0, "not a pipeline file: too large, or not UTF-8 text", "check the path"});
    return std::nullopt;
  }
  return parse(std::string(contents, size), path, problems);
}

std::optional<PipelineFile> PipelineFile::parse(const std::string& text, const std::string& path,
                                                Problems& problems) {
  return PipelineReader(path, problems).read(text);
}

const PipelineParameter* PipelineFile::parameter(const std::string& name) const {
  for (const PipelineParameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

const PipelineKnob* PipelineFile::knob(const std::string& name) const {
  for (const PipelineKnob& knob : knobs_) {
    if (knob.name == name) return &knob;
  }
  return nullptr;
}

std::optional<std::string> PipelineFile::fill(const ParameterValues& values,
                                              Problems& problems) const {
  const size_t before = problems.size();
  for (const auto& [name, value] : values) {
    if (parameter(name)) continue;
    problems.push_back({path_, parameters_line_, "unknown parameter '" + name + "'",
                        cure_for_unknown(name, names_of(parameters_))});
  }
  ParameterValues ready;
  for (const PipelineParameter& parameter : parameters_) {
    const auto given = values.find(parameter.name);
    if (given == values.end() && !parameter.fallback) {
      problems.push_back({path_, parameter.line, "no value for parameter '" + parameter.name + "'",
                          "give " + parameter.name + "=… (" + description_of(parameter.type) +
                              (parameter.description.empty() ? "" : ": " + parameter.description) +
                              ")"});
      continue;
    }
    std::string value = given == values.end() ? *parameter.fallback : given->second, error;
    if (!normalise(parameter.type, given == values.end() ? FileCheck::kTrust : FileCheck::kLook,
                   value, error)) {
      problems.push_back({path_, parameter.line, "parameter '" + parameter.name + "': " + error,
                          std::string("give ") + description_of(parameter.type)});
      continue;
    }
    ready[parameter.name] = value;
  }
  if (problems.size() > before) return std::nullopt;
  std::string filled;
  size_t at = 0;
  for (const Reference& reference : find_references(body_)) {
    const std::string& value = ready[reference.name];
    if (reference.extent == Extent::kPart && reference.ends_word && !value.empty() &&
        value.back() == '\\') {
      problems.push_back(
          {path_, line_at(body_, reference.offset, launch_line_),
           "the value of '" + reference.name + "' ends in '\\', at the end of a longer word",
           "give one without"});
      return std::nullopt;
    }
    filled += body_.substr(at, reference.offset - at);
    filled += escape_value(ready[reference.name], reference.extent);
    at = reference.offset + reference.length;
  }
  return filled + body_.substr(at);
}

ParameterValues PipelineFile::sample_values() const {
  ParameterValues values;
  for (const PipelineParameter& parameter : parameters_) {
    if (!parameter.fallback) values[parameter.name] = sample_of(parameter.type);
  }
  return values;
}

}  // namespace dragoman
