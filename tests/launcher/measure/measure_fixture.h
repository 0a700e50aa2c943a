// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman measure` as a user calls it, on files that sox makes.
#pragma once

#include <gtest/gtest.h>
#include <json-glib/json-glib.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "plugins/common/handles.h"
#include "tests/plugins/common/temp_folder.h"
#include "tests/plugins/station/sox.h"

namespace dragoman::testing {

struct CommandResult {
  int status = -1;
  std::string out, err;
};

/// The figures of one tap and parameter in JSON.
struct JsonFigures {
  double figure = 0, min = 0, max = 0;
  int64_t count = 0;
  std::string state;
};

class MeasureTest : public ::testing::Test {
 protected:
  /// Runs the program; `arguments` as in a shell.
  CommandResult dragoman(const std::string& arguments) {
    const std::string err = folder_ / "stderr";
    const std::string command =
        std::string("timeout 60 " DRAGOMAN_PROGRAM " ") + arguments + " 2>'" + err + "'";
    CommandResult result;
    FILE* pipe = ::popen(command.c_str(), "r");
    char piece[4096];
    for (size_t n; (n = std::fread(piece, 1, sizeof piece, pipe)) > 0;) result.out.append(piece, n);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::stringstream text;
    text << std::ifstream(err).rdbuf();
    result.err = text.str();
    return result;
  }

  CommandResult measure(const std::string& arguments) { return dragoman("measure " + arguments); }

  /// `sox INPUT FILE EFFECTS` with FILE in the test's folder; its path.
  std::string sox(const std::string& input, const std::string& name, const std::string& effects) {
    std::string path = folder_ / name;
    EXPECT_TRUE(output_of("sox -D " + input + " '" + path + "' " + effects + " 2>/dev/null"));
    return path;
  }

  std::string write(const std::string& name, const std::string& bytes) {
    std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  TempFolder folder_;
};

/// A measurement as JSON.
class JsonMeasurement {
 public:
  explicit JsonMeasurement(const std::string& text) : parser_(json_parser_new()) {
    g_autoptr(GError) error = nullptr;
    EXPECT_TRUE(json_parser_load_from_data(parser_.get(), text.c_str(), -1, &error))
        << error->message;
  }

  JsonObject* root() const { return json_node_get_object(json_parser_get_root(parser_.get())); }
  unsigned bucket_count() const {
    return json_array_get_length(json_object_get_array_member(root(), "buckets"));
  }
  JsonObject* bucket(unsigned index = 0) const {
    return json_array_get_object_element(json_object_get_array_member(root(), "buckets"), index);
  }
  /// The parameter of a bucket; null if it is not known.
  JsonObject* parameter(const char* key, unsigned index = 0) const {
    JsonObject* all = json_object_get_object_member(bucket(index), "parameters");
    return json_object_has_member(all, key) ? json_object_get_object_member(all, key) : nullptr;
  }
  JsonFigures figures(const char* key, const char* tap = "PRE", unsigned index = 0) const {
    JsonObject* of_key = parameter(key, index);
    if (!of_key || !json_object_has_member(of_key, tap)) {
      ADD_FAILURE() << "no " << key << " at " << tap;
      return {};
    }
    JsonObject* of_tap = json_object_get_object_member(of_key, tap);
    return {json_object_get_double_member(of_tap, "figure"),
            json_object_get_double_member(of_tap, "min"),
            json_object_get_double_member(of_tap, "max"),
            json_object_get_int_member(of_tap, "count"),
            json_object_get_string_member_with_default(of_tap, "state", "")};
  }
  double difference(const char* key, unsigned index = 0) const {
    JsonObject* of_key = parameter(key, index);
    return of_key ? json_object_get_double_member(of_key, "difference") : 0;
  }

 private:
  GObjectPtr<JsonParser> parser_;
};

}  // namespace dragoman::testing
