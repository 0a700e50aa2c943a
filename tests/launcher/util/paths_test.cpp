// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/paths.h"

#include <glib.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace dragoman {
namespace {

namespace fs = std::filesystem;

class PathsTest : public testing::Test {
 protected:
  PathsTest() {
    char name[] = "/tmp/dragoman-paths-XXXXXX";
    folder_ = mkdtemp(name);
    g_setenv("DRAGOMAN_PIPELINES", folder_.c_str(), TRUE);
    std::ofstream(folder_ / "a.pipeline") << "x";
  }
  ~PathsTest() override {
    g_unsetenv("DRAGOMAN_PIPELINES");
    fs::remove_all(folder_);
  }
  fs::path folder_;
};

TEST_F(PathsTest, APipelineIsFoundByPathOrByName) {
  const std::string file = (folder_ / "a.pipeline").string();
  EXPECT_EQ(find_pipeline(file), file);
  EXPECT_EQ(find_pipeline("a"), file);
  EXPECT_EQ(find_pipeline("a.pipeline"), file);
  EXPECT_FALSE(find_pipeline("b"));
  EXPECT_FALSE(find_pipeline(""));
  EXPECT_FALSE(find_pipeline(folder_.string())) << "a folder is no pipeline";
  EXPECT_FALSE(find_pipeline("./a")) << "a path is not looked up by name";
}

TEST_F(PathsTest, TheHomeFolderIsExpandedOnlyAtTheBegin) {
  EXPECT_EQ(expand_home("~/x"), std::string(g_get_home_dir()) + "/x");
  EXPECT_EQ(expand_home("a~/x"), "a~/x");
  EXPECT_EQ(expand_home("~x"), "~x");
}

TEST_F(PathsTest, WhatTheEnvironmentSaysIsKept) {
  g_setenv("DRAGOMAN_DATA", "/somewhere", TRUE);
  EXPECT_EQ(data_folder(), "/somewhere");
  prepare_environment();
  EXPECT_STREQ(g_getenv("DRAGOMAN_DATA"), "/somewhere");
  g_unsetenv("DRAGOMAN_DATA");
}

}  // namespace
}  // namespace dragoman
