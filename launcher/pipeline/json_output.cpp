// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstdio>

#include "launcher/pipeline/run_output.h"
#include "launcher/util/json.h"

namespace dragoman {
namespace {

class JsonOutput : public RunOutput {
 public:
  void message(const std::string& name, GVariant* fields) override {
    std::string type = name;
    std::replace(type.begin(), type.end(), '-', '_');
    const std::string object = json_from_variant(fields);
    print("{\"type\":" + json_string(type) + (object == "{}" ? "" : ",") + object.substr(1));
  }
  void warning(const std::string& text) override {
    print("{\"type\":\"warning\",\"text\":" + json_string(text) + "}");
  }
  void progress(double, double) override {}
  void end(const std::string& reason, const std::string& detail) override {
    std::string line = "{\"type\":\"end\",\"reason\":" + json_string(reason);
    if (!detail.empty()) line += ",\"detail\":" + json_string(detail);
    print(line + "}");
    if (reason == "error") std::fprintf(stderr, "dragoman run: %s\n", detail.c_str());
  }

 private:
  static void print(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }
};

}  // namespace

std::unique_ptr<RunOutput> make_json_output() { return std::make_unique<JsonOutput>(); }

}  // namespace dragoman
