// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace dragoman {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const Clause> clause(const std::string& channel, const std::string& text,
                                     unsigned number = 0) {
  auto made = std::make_shared<Clause>();
  made->channel = channel;
  made->text = text;
  made->clause = number;
  return made;
}

class Heard : public ChannelListener {
 public:
  explicit Heard(std::function<void(const Clause&)> then = {}) : then_(std::move(then)) {}
  void on_clause(const std::shared_ptr<const Clause>& heard) override {
    {
      std::lock_guard lock(mutex_);
      clauses_.push_back(heard);
    }
    if (then_) then_(*heard);
  }
  void on_end(const std::string& channel) override {
    std::lock_guard lock(mutex_);
    ended_at_.push_back(channel + " after " + std::to_string(clauses_.size()));
  }
  std::vector<std::string> ends() const {
    std::lock_guard lock(mutex_);
    return ended_at_;
  }
  std::vector<std::string> texts() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> texts;
    for (const auto& clause : clauses_) texts.push_back(clause->text);
    return texts;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const Clause>> clauses_;
  std::vector<std::string> ended_at_;
  std::function<void(const Clause&)> then_;
};

using Texts = std::vector<std::string>;

TEST(Channels, every_listener_hears_what_is_said_on_its_channel_only) {
  Heard first, second, other;
  const auto a = Channels::instance().listen("left", first);
  const auto b = Channels::instance().listen("left", second);
  const auto c = Channels::instance().listen("right", other);
  Channels::instance().publish(clause("left", "hello"));
  Channels::instance().publish(clause("right", "hola"));
  Channels::instance().publish(clause("nobody", "lost"));
  EXPECT_EQ(first.texts(), Texts{"hello"});
  EXPECT_EQ(second.texts(), Texts{"hello"});
  EXPECT_EQ(other.texts(), Texts{"hola"});
}

TEST(Channels, nothing_is_heard_before_listening_nor_after) {
  Heard heard;
  Channels::instance().publish(clause("line", "before"));
  auto handle = Channels::instance().listen("line", heard);
  Channels::instance().publish(clause("line", "during"));
  handle.reset();
  Channels::instance().publish(clause("line", "after"));
  EXPECT_EQ(heard.texts(), Texts{"during"});
}

TEST(Channels, the_end_comes_after_the_last_clause) {
  Heard heard;
  const auto handle = Channels::instance().listen("film", heard);
  Channels::instance().publish(clause("film", "fin"));
  Channels::instance().end("film");
  Channels::instance().end("another");
  EXPECT_EQ(heard.ends(), Texts{"film after 1"});
}

TEST(Channels, letting_go_waits_for_the_call_in_progress) {
  std::promise<void> called, go_on;
  std::atomic<bool> returned = false;
  Heard heard([&](const Clause&) {
    called.set_value();
    go_on.get_future().wait();
    returned = true;
  });
  auto handle = Channels::instance().listen("slow", heard);
  std::thread publisher([] { Channels::instance().publish(clause("slow", "one")); });
  called.get_future().wait();
  auto let_go = std::async(std::launch::async, [&] {
    handle.reset();
    return returned.load();
  });
  EXPECT_EQ(let_go.wait_for(50ms), std::future_status::timeout);
  go_on.set_value();
  EXPECT_TRUE(let_go.get());
  publisher.join();
}

TEST(Channels, a_listener_may_let_go_of_itself_and_listen_and_publish_in_its_call) {
  Heard inner;
  std::shared_ptr<void> own, other;
  Heard heard([&](const Clause& said) {
    own.reset();
    other = Channels::instance().listen("again", inner);
    Channels::instance().publish(clause("again", said.text + " again"));
  });
  own = Channels::instance().listen("again", heard);
  Channels::instance().publish(clause("again", "once"));
  EXPECT_EQ(heard.texts(), Texts{"once"});
  EXPECT_EQ(inner.texts(), Texts{"once again"});
}

TEST(Channels, a_publisher_does_not_wait_for_the_listeners_of_another_one) {
  std::promise<void> called, go_on;
  std::atomic<int> calls = 0;
  Heard heard([&](const Clause&) {
    if (calls++ == 0) {
      called.set_value();
      go_on.get_future().wait();
    }
  });
  const auto handle = Channels::instance().listen("busy", heard);
  std::thread first([] { Channels::instance().publish(clause("busy", "one")); });
  called.get_future().wait();
  Channels::instance().publish(clause("busy", "two"));  // would hang here if it waited
  EXPECT_EQ(heard.texts(), Texts{"one"});
  go_on.set_value();
  first.join();
  EXPECT_EQ(heard.texts(), (Texts{"one", "two"}));
}

TEST(Channels, each_publishers_clauses_stay_in_order_while_listeners_come_and_go) {
  constexpr unsigned kClauses = 2000;
  std::mutex mutex;
  std::map<std::string, unsigned> next;
  std::atomic<bool> ordered = true;
  Heard steady([&](const Clause& heard) {
    std::lock_guard lock(mutex);
    if (next[heard.text]++ != heard.clause) ordered = false;
  });
  const auto handle = Channels::instance().listen("crowd", steady);
  std::vector<std::thread> threads;
  for (const char* name : {"a", "b", "c"}) {
    threads.emplace_back([name] {
      for (unsigned i = 0; i < kClauses; ++i) {
        Channels::instance().publish(clause("crowd", name, i));
      }
    });
  }
  threads.emplace_back([] {
    for (int i = 0; i < 500; ++i) {
      auto passing = std::make_unique<Heard>();
      auto held = Channels::instance().listen("crowd", *passing);
      held.reset();
      passing.reset();  // a call after this one would touch freed memory
    }
  });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(next["a"] + next["b"] + next["c"], 3 * kClauses);
}

}  // namespace
}  // namespace dragoman
