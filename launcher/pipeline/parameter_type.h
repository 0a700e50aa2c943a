// SPDX-License-Identifier: LGPL-2.1-or-later
// The types a pipeline file's parameters have.
#pragma once

#include <optional>
#include <string>

namespace dragoman {

enum class ParameterType {
  kInt,       ///< whole number
  kNumber,    ///< decimal number
  kString,    ///< any text on one line; may be empty
  kBool,      ///< true, false (yes, no, on, off, 1, 0 are understood)
  kLanguage,  ///< BCP 47 tag: en, es, pt-BR
  kPath,      ///< file or folder that need not exist; "~/" is the home folder; may be empty
  kFile,      ///< file that can be read
  kDecibel    ///< gain in dB, -100 to 20; stands as the factor that `volume` takes
};

/// The type named in a file, e.g. "int".
std::optional<ParameterType> parameter_type(const std::string& name);
const char* name_of(ParameterType type);

/// What the type takes, for messages: "a whole number".
const char* description_of(ParameterType type);

/// Checks `value` and brings it into the form that goes into the launch line (booleans become true
/// or false, "~/" the home folder). False, with `error` ("'x' is not a whole number"), if it is not
/// of the type. kFile is only checked for being a file if `look` (a default need not exist).
enum class FileCheck { kLook, kTrust };
bool normalise(ParameterType type, FileCheck look, std::string& value, std::string& error);

/// A value of the type that stands in when a file is checked without values.
const char* sample_of(ParameterType type);

}  // namespace dragoman
