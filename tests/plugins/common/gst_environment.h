// SPDX-License-Identifier: LGPL-2.1-or-later
// Included by element tests: GStreamer is up while they run, and taken down after them so that its
// leaks tracer reports.
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace dragoman::testing {

class GstEnvironment : public ::testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
  void TearDown() override { gst_deinit(); }
};

inline ::testing::Environment* const gst_environment =
    ::testing::AddGlobalTestEnvironment(new GstEnvironment);

}  // namespace dragoman::testing
