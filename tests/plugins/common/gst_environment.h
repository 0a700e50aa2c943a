// SPDX-License-Identifier: LGPL-2.1-or-later
// Included by element tests: GStreamer is up while they run, and taken down once at exit, so that
// its leaks tracer reports. It cannot come up again after that: repeated tests share it.
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace dragoman::testing {

class GstEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    if (gst_is_initialized()) return;
    gst_init(nullptr, nullptr);
    std::atexit(gst_deinit);
  }
};

inline ::testing::Environment* const gst_environment =
    ::testing::AddGlobalTestEnvironment(new GstEnvironment);

}  // namespace dragoman::testing
