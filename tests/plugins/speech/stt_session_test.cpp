// SPDX-License-Identifier: LGPL-2.1-or-later
// Providers that fail, and the decoding threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>

#include "plugins/speech/providers/stt/decode_pool.h"
#include "plugins/speech/providers/stt/session.h"

namespace dragoman {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kStart = 1'700'000'000'000'000'000;
constexpr auto kDeadline = 10s;

/// Commits each pushed piece of audio as a clause that names its first sample; fails as told.
struct Script {
  std::atomic<int> opened = 0;
  std::atomic<int> fails = 0;  // so many streams fail
  std::atomic<int> at = 2;     // each at this piece
  SttFailureKind kind = SttFailureKind::kTemporary;
};
Script first_script, second_script;

class FakeStream : public SttStream {
 public:
  FakeStream(Script& script, SttListener& listener) : listener_(listener) {
    ++script.opened;
    failing_ = script.fails > 0;
    if (failing_) --script.fails;
    kind_ = script.kind;
    at_ = script.at;
  }
  void push(std::span<const int16_t> samples, uint64_t utc) override {
    if (failing_ && ++pieces_ == at_) listener_.on_failure("line cut", kind_);
    if (pieces_ >= at_) return;
    SttResult clause;
    clause.text = std::to_string(samples[0]);
    clause.start_utc = utc;
    listener_.on_clause(clause);
    listener_.on_settled(utc + samples.size() * kSttNsPerSample);
  }
  void flush() override {
    if (pieces_ < at_) listener_.on_flushed();
  }

 private:
  SttListener& listener_;
  bool failing_ = false;
  SttFailureKind kind_;
  int pieces_ = 0, at_ = 2;
};

template <Script& script>
SttProvider provider(const char* name) {
  return {name, [](const SttOptions&) { return std::optional<std::string>(); },
          [](const SttOptions&, SttListener& listener, SttPost) -> std::unique_ptr<SttStream> {
            return std::make_unique<FakeStream>(script, listener);
          }};
}

class SessionTest : public testing::Test, public SttSession::Listener {
 protected:
  SessionTest() {
    for (Script* script : {&first_script, &second_script}) {
      script->opened = script->fails = 0;
      script->at = 2;
      script->kind = SttFailureKind::kTemporary;
    }
  }
  void on_partial(const char*, const SttResult&) override {}
  void on_clause(const char* name, const SttResult& clause) override {
    heard_.push_back(std::string(name) + " " + clause.text);
  }
  void on_provider_error(const char* name, const std::string& error, const char* next) override {
    errors_.push_back(std::string(name) + ": " + error + " > " + next);
  }
  void on_hopeless(const std::string& error) override { hopeless_ = error; }
  void on_dropped(std::chrono::milliseconds audio) override { dropped_ += audio; }

  void open(SttSessionSettings settings = {.first_backoff = 1ms, .last_backoff = 2ms}) {
    session_ = std::make_unique<SttSession>(
        SttOptions{"en", ""},
        std::vector{provider<first_script>("first"), provider<second_script>("second")}, *this,
        settings);
  }
  void push(int from, int to) {
    for (int piece = from; piece <= to; ++piece) {
      session_->push(std::vector<int16_t>(1600, static_cast<int16_t>(piece)),
                     kStart + static_cast<uint64_t>(piece) * 100'000'000);
    }
  }

  std::vector<std::string> heard_, errors_;
  std::string hopeless_;
  std::chrono::milliseconds dropped_{0};
  std::unique_ptr<SttSession> session_;
};

TEST_F(SessionTest, flush_waits_until_all_that_was_pushed_is_heard) {
  open();
  push(1, 3);
  EXPECT_EQ(session_->flush(kDeadline), SttFlush::kDone);
  EXPECT_THAT(heard_, ElementsAre("first 1", "first 2", "first 3"));
}

TEST_F(SessionTest, a_provider_that_fails_once_is_tried_again_and_nothing_is_lost) {
  first_script.fails = 1;
  open();
  push(1, 4);
  EXPECT_EQ(session_->flush(kDeadline), SttFlush::kDone);
  EXPECT_THAT(heard_, ElementsAre("first 1", "first 2", "first 3", "first 4"));
  EXPECT_THAT(errors_, ElementsAre("first: line cut > first"));
}

TEST_F(SessionTest, a_provider_that_fails_for_good_gives_way_to_the_next_one) {
  first_script.fails = 1;
  first_script.kind = SttFailureKind::kPermanent;
  open();
  push(1, 4);
  EXPECT_EQ(session_->flush(kDeadline), SttFlush::kDone);
  EXPECT_THAT(heard_, ElementsAre("first 1", "second 2", "second 3", "second 4"));
  EXPECT_THAT(errors_, ElementsAre("first: line cut > second"));
}

TEST_F(SessionTest, when_all_fail_for_now_the_list_is_tried_again) {
  first_script.fails = 1;
  first_script.kind = SttFailureKind::kPermanent;
  second_script.fails = 1;
  second_script.kind = SttFailureKind::kTemporary;
  open();
  push(1, 6);
  EXPECT_EQ(session_->flush(kDeadline), SttFlush::kDone);
  EXPECT_EQ(heard_.size(), 6u);
  EXPECT_EQ(heard_.back().substr(heard_.back().find(' ')), " 6");
}

TEST_F(SessionTest, when_all_fail_for_good_it_says_so_and_nobody_waits) {
  for (Script* script : {&first_script, &second_script}) {
    script->fails = 1;
    script->kind = SttFailureKind::kPermanent;
  }
  open();
  push(1, 5);
  EXPECT_EQ(session_->flush(kDeadline), SttFlush::kDone);
  EXPECT_EQ(hopeless_, "line cut");
  EXPECT_TRUE(session_->wait_for_room(1ms));
}

TEST_F(SessionTest, a_small_gap_is_filled_and_a_long_one_gets_a_second_of_silence) {
  open();
  push(1, 1);
  push(3, 3);
  push(60, 60);
  EXPECT_EQ(session_->flush(kDeadline), SttFlush::kDone);
  EXPECT_THAT(heard_, ElementsAre("first 1", "first 0", "first 3", "first 0", "first 60"));
}

TEST_F(SessionTest, interrupting_frees_those_who_wait) {
  first_script.fails = second_script.fails = 1000;
  first_script.at = second_script.at = 1;
  open({.first_backoff = 1h, .last_backoff = 1h});
  push(1, 10);
  auto waiting = std::async(std::launch::async, [this] { return session_->wait_for_room(1ms); });
  auto flushing = std::async(std::launch::async, [this] { return session_->flush(1h); });
  session_->interrupt(true);
  EXPECT_FALSE(waiting.get());
  EXPECT_EQ(flushing.get(), SttFlush::kInterrupted);
}

TEST_F(SessionTest, what_nobody_takes_is_kept_up_to_a_bound_and_then_reported_as_dropped) {
  first_script.fails = second_script.fails = 1000;
  first_script.at = second_script.at = 1;
  open({.most_kept = 1s, .first_backoff = 1ms, .last_backoff = 2ms});
  push(1, 40);
  first_script.fails = 0;
  second_script.fails = 0;
  EXPECT_EQ(session_->flush(kDeadline), SttFlush::kDone);
  EXPECT_GT(dropped_, 1s);
}

TEST(DecodePool, finals_go_before_partials_and_partials_never_take_all_threads) {
  stt::DecodePool pool(2);
  std::promise<void> begun, go_on;
  const int owner = 0;
  pool.submit(&owner, stt::Urgency::kPartial, [&] {
    begun.set_value();
    go_on.get_future().wait();
  });
  begun.get_future().wait();
  std::vector<std::string> order;
  std::promise<void> last;
  pool.submit(&owner, stt::Urgency::kPartial, [&] {
    order.push_back("partial");
    last.set_value();
  });
  std::promise<void> final_done;
  pool.submit(&owner, stt::Urgency::kFinal, [&] {
    order.push_back("final");
    final_done.set_value();
  });
  final_done.get_future().wait();  // while the first partial still runs
  go_on.set_value();
  last.get_future().wait();
  EXPECT_THAT(order, ElementsAre("final", "partial"));
}

TEST(DecodePool, cancelling_drops_what_waits_and_waits_for_what_runs) {
  stt::DecodePool pool(1);
  const int mine = 0, other = 0;
  std::promise<void> begun, go_on, others;
  std::atomic<bool> finished = false, ran = false;
  pool.submit(&mine, stt::Urgency::kFinal, [&] {
    begun.set_value();
    go_on.get_future().wait();
    finished = true;
  });
  begun.get_future().wait();
  pool.submit(&mine, stt::Urgency::kFinal, [&] { ran = true; });
  pool.submit(&other, stt::Urgency::kPartial, [&] { others.set_value(); });
  auto cancelled = std::async(std::launch::async, [&] {
    pool.cancel(&mine);
    return finished.load();
  });
  EXPECT_EQ(cancelled.wait_for(50ms), std::future_status::timeout);
  go_on.set_value();
  EXPECT_TRUE(cancelled.get());
  others.get_future().wait();
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace dragoman
