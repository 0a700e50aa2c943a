// SPDX-License-Identifier: LGPL-2.1-or-later
// The control socket before clients that are many, silent, endless, gone or talk nonsense.
#include "launcher/control/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <future>
#include <vector>

#include "launcher/control/client.h"
#include "launcher/control/socket_path.h"
#include "launcher/util/json.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr int kMost = 16;               // connections
constexpr milliseconds kPatience{300};  // instead of ten seconds
constexpr char kAnswer[] = "{\"ok\": true}";

/// A connection to the server whose other end lives in the same thread: nothing blocks.
class Client {
 public:
  explicit Client(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const SocketPath address(path);
    connected_ = ::connect(fd_, address.address(), address.size()) == 0;
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  /// What the socket takes of `text` now.
  size_t send(const std::string& text) {
    const ssize_t size = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    return size > 0 ? static_cast<size_t>(size) : 0;
  }
  /// Takes what has come; true when the server has ended the connection.
  bool ended() {
    char buffer[8192];
    ssize_t size;
    while ((size = ::recv(fd_, buffer, sizeof buffer, 0)) > 0)
      answer_.append(buffer, static_cast<size_t>(size));
    return size == 0 || (errno != EAGAIN && errno != EINTR);
  }
  const std::string& answer() const { return answer_; }

 private:
  const int fd_;
  bool connected_ = false;
  std::string answer_;
};

class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest() {
    g_autofree char* made = g_dir_make_tmp("dragoman-control-XXXXXX", nullptr);
    folder_ = made;
    serve([](JsonObject*, const ControlServer::Reply& reply) { reply(kAnswer); });
  }
  ~ControlServerTest() override {
    server_.reset();
    while (g_main_context_iteration(nullptr, FALSE)) {
    }
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return control_path(folder_); }
  void serve(ControlServer::Handler handler, milliseconds patience = std::chrono::minutes(1)) {
    server_.reset();
    server_ = std::make_unique<ControlServer>(path(), std::move(handler), patience);
  }
  void serve_impatiently() {
    serve([](JsonObject*, const ControlServer::Reply& reply) { reply(kAnswer); }, kPatience);
  }
  /// Runs the main loop until `done`, for at most 15 s.
  template <typename Done>
  bool run_until(Done done) const {
    const guint tick = g_timeout_add(
        2, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr);
    const Clock::time_point deadline = Clock::now() + std::chrono::seconds(15);
    bool is_done = false;
    while (!(is_done = done()) && Clock::now() < deadline) g_main_context_iteration(nullptr, TRUE);
    g_source_remove(tick);
    return is_done;
  }
  /// The whole answer to `text`.
  std::string ask(const std::string& text) const {
    Client client(path());
    size_t sent = 0;
    const bool ended = run_until([&] {
      if (sent < text.size()) sent += client.send(text.substr(sent));
      return client.ended();
    });
    return ended ? client.answer() : "the connection did not end";
  }
  /// Connections of which the server has taken the first bytes, which end no request.
  std::vector<std::unique_ptr<Client>> connect(int count) const {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<Client>(path()));
      EXPECT_TRUE(clients.back()->connected()) << g_strerror(errno);
      clients.back()->send("{");
      while (g_main_context_iteration(nullptr, FALSE)) {
      }
    }
    return clients;
  }

  std::string folder_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, answers_a_request_and_ends_the_connection) {
  serve([](JsonObject* request, const ControlServer::Reply& reply) {
    reply("{\"ok\": true, \"did\": \"" + json::text(request, "do") + "\"}");
  });
  EXPECT_EQ(ask("{\"do\": \"status\"}\n"), "{\"ok\": true, \"did\": \"status\"}\n");
}

TEST_F(ControlServerTest, is_for_this_user_only_and_gone_with_the_server) {
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ControlServerTest, replaces_the_socket_of_a_launcher_that_was_killed) {
  server_.reset();
  const int killed = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const SocketPath address(path());
  ASSERT_EQ(::bind(killed, address.address(), address.size()), 0);
  ::close(killed);
  serve([](JsonObject*, const ControlServer::Reply& reply) { reply(kAnswer); });
  EXPECT_EQ(ask("{}\n"), kAnswer + std::string("\n"));
}

TEST_F(ControlServerTest, what_is_no_json_object_is_refused) {
  for (const char* text : {"\n", "status\n", "[1, 2]\n", "\"text\"\n", "null\n", "{\"do\": \n",
                           "\xff\xfe\x80\n", "{\"do\": \"\xff\"}\n"})
    EXPECT_THAT(ask(text), HasSubstr("not a JSON object")) << text;
  EXPECT_THAT(ask(std::string("\0\0\0\n", 4)), HasSubstr("not a JSON object"));
  EXPECT_EQ(ask("{}\n"), kAnswer + std::string("\n")) << "and others are served";
}

TEST_F(ControlServerTest, json_of_sixty_thousand_brackets_is_refused) {
  EXPECT_THAT(ask("{\"do\": " + std::string(60'000, '[') + "\n"), HasSubstr("\"ok\": false"));
  EXPECT_EQ(ask("{}\n"), kAnswer + std::string("\n"));
}

TEST_F(ControlServerTest, a_request_of_64_kib_is_taken_and_a_longer_one_refused) {
  const std::string begin = "{\"do\": \"", end = "\"}\n";
  const std::string fits(64 * 1024 - begin.size() - end.size(), 'x');
  EXPECT_EQ(ask(begin + fits + end), kAnswer + std::string("\n"));
  EXPECT_THAT(ask(begin + std::string(1 << 20, 'x')), HasSubstr("too long"));
}

TEST_F(ControlServerTest, more_than_sixteen_at_a_time_are_turned_away) {
  auto clients = connect(kMost);
  EXPECT_EQ(ask("{}\n"), "") << "one too many";
  clients.front()->send("}\n");
  EXPECT_TRUE(run_until([&] { return clients.front()->ended(); }));
  EXPECT_EQ(clients.front()->answer(), kAnswer + std::string("\n"));
  EXPECT_EQ(ask("{}\n"), kAnswer + std::string("\n"));
}

TEST_F(ControlServerTest, clients_that_vanish_make_room_for_others) {
  connect(kMost).clear();
  EXPECT_TRUE(run_until([&] { return ask("{}\n") == kAnswer + std::string("\n"); }));
}

TEST_F(ControlServerTest, a_silent_client_is_cut_off_when_its_time_is_up) {
  serve_impatiently();
  const Clock::time_point begin = Clock::now();
  auto clients = connect(kMost);
  for (const auto& client : clients) {
    EXPECT_TRUE(run_until([&] { return client->ended(); }));
    EXPECT_EQ(client->answer(), "");
  }
  EXPECT_GE(Clock::now() - begin, kPatience - milliseconds(10));
  EXPECT_EQ(ask("{}\n"), kAnswer + std::string("\n"));
}

TEST_F(ControlServerTest, a_client_that_sends_a_byte_now_and_then_has_no_more_time) {
  serve_impatiently();
  Client client(path());
  const Clock::time_point begin = Clock::now();
  EXPECT_TRUE(run_until([&] {
    client.send(" ");
    return client.ended();
  }));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(client.answer(), "");
}

TEST_F(ControlServerTest, a_client_that_does_not_read_its_answer_is_cut_off) {
  serve(
      [](JsonObject*, const ControlServer::Reply& reply) {
        reply("{\"ok\": true, \"text\": \"" + std::string(8 << 20, 'x') + "\"}");
      },
      milliseconds(1000));
  std::vector<std::unique_ptr<Client>> clients = connect(kMost);
  for (const auto& client : clients) client->send("}\n");
  EXPECT_TRUE(run_until([&] { return ask("{}\n").size() > 8 << 20; })) << "their places are free";
}

TEST_F(ControlServerTest, a_reply_that_comes_late_finds_nobody_and_does_no_harm) {
  std::vector<ControlServer::Reply> late;
  serve([&late](JsonObject*, const ControlServer::Reply& reply) { late.push_back(reply); },
        milliseconds(1000));
  {
    Client gone(path());
    gone.send("{}\n");
    EXPECT_TRUE(run_until([&] { return late.size() == 1; }));
  }
  late.front()(kAnswer);
  Client patient(path());
  patient.send("{}\n");
  EXPECT_TRUE(run_until([&] { return patient.ended(); })) << "nobody answers in time";
  late.back()(kAnswer);
  Client stays(path());
  stays.send("{}\n");
  EXPECT_TRUE(run_until([&] { return late.size() == 3; }));
  late.back()(kAnswer);
  late.back()("{\"second\": \"answer\"}");
  EXPECT_TRUE(run_until([&] { return stays.ended(); }));
  EXPECT_EQ(stays.answer(), kAnswer + std::string("\n"));
  server_.reset();
  for (const ControlServer::Reply& reply : late) reply(kAnswer);
}

TEST_F(ControlServerTest, ends_while_it_reads_and_writes) {
  serve([](JsonObject*, const ControlServer::Reply& reply) { reply(std::string(8 << 20, 'x')); });
  const auto readers = connect(2), writers = connect(2);
  for (const auto& client : writers) client->send("}\n");
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  server_.reset();
  for (const auto& client : readers) EXPECT_TRUE(run_until([&] { return client->ended(); }));
}

TEST_F(ControlServerTest, the_commands_side_says_what_went_wrong) {
  serve([](JsonObject* request, const ControlServer::Reply& reply) {
    reply(json::text(request, "do") == "babble" ? "no JSON"
                                                : control_error("the knob \"x\" is unknown"));
  });
  const auto complaint = [this](const char* request) {
    auto asked = std::async(std::launch::async, [this, request]() -> std::string {
      try {
        ask_launcher(folder_, request);
        return "";
      } catch (const std::runtime_error& error) {
        return error.what();
      }
    });
    EXPECT_TRUE(run_until(
        [&asked] { return asked.wait_for(milliseconds(0)) == std::future_status::ready; }));
    return asked.get();
  };
  EXPECT_EQ(complaint("{}"), "the knob \"x\" is unknown");
  EXPECT_THAT(complaint("{\"do\": \"babble\"}"), HasSubstr(path()));
  server_.reset();
  EXPECT_THAT(complaint("{}"), HasSubstr("no launcher is running"));
}

}  // namespace
}  // namespace dragoman
