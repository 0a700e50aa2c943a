// SPDX-License-Identifier: LGPL-2.1-or-later
// The fixture of tests that need a PostgreSQL: one cluster for all tests of a program, a database
// made anew for each.
#pragma once

#include "tests/launcher/store/postgres_cluster.h"

namespace dragoman {

class PostgresTest : public StoreTest {
 public:
  static void SetUpTestSuite() {
    if (!PostgresCluster::missing()) shared() = std::make_unique<PostgresCluster>();
  }
  static void TearDownTestSuite() { shared().reset(); }

 protected:
  void SetUp() override {
    if (const auto why = PostgresCluster::missing()) GTEST_SKIP() << *why;
    if (!server().is_running()) server().start();
    server().make_database();
  }
  static PostgresCluster& server() { return *shared(); }
  static std::string ask_server(const std::string& sql) { return server().ask(sql); }

 private:
  static std::unique_ptr<PostgresCluster>& shared() {
    static std::unique_ptr<PostgresCluster> cluster;
    return cluster;
  }
};

}  // namespace dragoman
