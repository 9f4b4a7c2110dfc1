// A chat from its events: the rendezvous, the peers and the keyboard are the test's.
#include "peer/chat.hpp"

#include <gmock/gmock.h>

#include "tests/unit/peer/played_station.hpp"

namespace pinhole::peer {
namespace {

using pinhole::test::write_file;
using test::PlayedStation;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr StreamNumber kTheirFirst{.is_ours = true, .number = 1};

class PlayedChat : public ::testing::Test {
  protected:
    /// How a chat ends in which `play` happens.
    ExitCode end_of(const std::function<void()>& play) {
        std::filesystem::create_directory(into());
        files_.emplace(played_.station(), into(), played_.environment());
        chat_.emplace(played_.station(), options_, *files_, false);
        return played_.run(*chat_, play);
    }
    /// Bob is here, and reads.
    void meet_bob() {
        played_.connect("bob");
        chat_->on_control(*Id::parse("bob"), Hello{.takes_texts = true});
    }
    void type(const std::string& line) { chat_->on_prompt_line(line); }
    /// Everything that waits for some seconds has waited long enough.
    void let_time_pass() { chat_->handle_timeout(played_.station().now() + 1h); }
    void send(const std::string& name) {
        write_file(played_.path(name), "content");
        type("/send " + played_.path(name).string() + " bob");
    }
    void hear_offer(const files::Announcement& announcement) {
        played_.hear("bob", StreamOpen{.stream = kTheirFirst,
                                       .service = ServiceKind::kFiles,
                                       .argument = encode(announcement)});
    }
    [[nodiscard]] std::filesystem::path into() const { return played_.path("into"); }
    [[nodiscard]] std::size_t times_said(const std::string& words) const {
        const std::string said = played_.said();
        std::size_t count = 0;
        for (auto at = said.find(words); at != said.npos; at = said.find(words, at + 1)) ++count;
        return count;
    }

    PlayedStation played_;
    ChatOptions options_{.station = played_.station().options(),
                         .peers = {},
                         .room = std::nullopt,
                         .message = std::nullopt,
                         .into = std::nullopt,
                         .wait = false,
                         .timeout = Duration::max()};
    std::optional<ChatFiles> files_;
    std::optional<Chat> chat_;
};

// ---- the end

TEST_F(PlayedChat, AMessageToARoomEndsWhenTheOnlyMemberIsForgotten) {
    options_.room = Id::parse("den");
    options_.message = "hello";
    const ExitCode code = end_of([&] {
        played_.register_us();
        played_.room("den", {"bob"});
        played_.room("den", {});
        EXPECT_FALSE(played_.station().is_leaving()) << "he may be back at once";
        let_time_pass();
        EXPECT_TRUE(played_.station().is_leaving());
    });
    EXPECT_EQ(code, ExitCode::kOther);
    EXPECT_THAT(played_.said(), HasSubstr("1 text to bob: not confirmed, perhaps not shown"));
}

TEST_F(PlayedChat, QuittingIsNoSuccessWhileATextIsNotConfirmed) {
    EXPECT_EQ(end_of([&] {
                  played_.register_us();
                  meet_bob();
                  type("are you there?");
                  type("/quit");
              }),
              ExitCode::kOther);
}

TEST_F(PlayedChat, QuittingIsNoSuccessAfterATextWasGivenUp) {
    EXPECT_EQ(end_of([&] {
                  played_.register_us();
                  meet_bob();
                  type("are you there?");
                  played_.close("bob", node::CloseReason::kDone);
                  type("/quit");
              }),
              ExitCode::kOther);
}

TEST_F(PlayedChat, QuittingIsNoSuccessWhileAFileIsSent) {
    EXPECT_EQ(end_of([&] {
                  played_.register_us();
                  meet_bob();
                  send("note");
                  type("/quit");
              }),
              ExitCode::kOther);
}

TEST_F(PlayedChat, QuittingWithNothingLeftIsSuccess) {
    EXPECT_EQ(end_of([&] {
                  played_.register_us();
                  meet_bob();
                  type("/quit");
                  EXPECT_TRUE(played_.station().is_leaving());
              }),
              ExitCode::kOk);
}

TEST_F(PlayedChat, QuittingIsSuccessWhoeverElseWasNotReached) {
    EXPECT_EQ(end_of([&] {
                  played_.register_us();
                  meet_bob();
                  type("/connect carol");
                  chat_->on_key_changed(*Id::parse("carol"),
                                        {ExitCode::kIdentity, "carol has another key"});
                  type("/quit");
              }),
              ExitCode::kOk);
}

// ---- what we say

TEST_F(PlayedChat, ATextToSomebodyWhoShowsNoneIsGivenUp) {
    options_.peers = {*Id::parse("bob")};
    options_.message = "hello";
    const ExitCode code = end_of([&] {
        played_.register_us();
        played_.connect("bob");
        EXPECT_FALSE(played_.station().is_leaving());
        chat_->on_control(*Id::parse("bob"), Hello{.takes_texts = false});
        EXPECT_TRUE(played_.station().is_leaving());
    });
    EXPECT_EQ(code, ExitCode::kOther);
    EXPECT_THAT(played_.said(), HasSubstr("bob is there, but shows no texts"));
    EXPECT_THAT(played_.said(), HasSubstr("1 text to bob: not confirmed, perhaps not shown"));
}

TEST_F(PlayedChat, ALaterTextToSomebodyWhoShowsNoneIsGivenUpToo) {
    end_of([&] {
        played_.register_us();
        played_.connect("bob");
        chat_->on_control(*Id::parse("bob"), Hello{.takes_texts = false});
        type("@bob hello");
    });
    EXPECT_EQ(times_said("bob is there, but shows no texts"), 1U);
}

// ---- what we send

TEST_F(PlayedChat, WhatIsSentToSomebodyWhoLeavesEnds) {
    const ExitCode code = end_of([&] {
        played_.register_us();
        meet_bob();
        send("note");
        EXPECT_TRUE(files_->is_sending());
        played_.close("bob", node::CloseReason::kDone);
        EXPECT_FALSE(files_->is_sending());
        type("/quit");
    });
    EXPECT_EQ(code, ExitCode::kOther);
    EXPECT_THAT(played_.said(), HasSubstr("note: not sent: bob has left"));
    EXPECT_THAT(played_.said(), Not(HasSubstr("/cancel")));
}

TEST_F(PlayedChat, WhatIsSentToSomebodyWhoIsLostWaitsAndCanBeGivenUp) {
    const ExitCode code = end_of([&] {
        played_.register_us();
        meet_bob();
        send("note");
        played_.lose_path("bob");
        EXPECT_TRUE(files_->is_sending());
        EXPECT_THAT(played_.said(), HasSubstr("note: cut; goes on when bob is back, or /cancel"));
        type("/cancel");
        EXPECT_FALSE(files_->is_sending());
        type("/cancel");
        type("/quit");
    });
    EXPECT_EQ(code, ExitCode::kOk) << "nobody wants it any more";
    EXPECT_THAT(played_.said(), HasSubstr("note: not sent: you gave it up"));
    EXPECT_EQ(times_said("nothing is being sent"), 1U);
}

TEST_F(PlayedChat, TheLastIsGivenUpFirstAndOnlyOfWhoIsNamed) {
    end_of([&] {
        played_.register_us();
        meet_bob();
        send("one");
        send("two");
        type("/cancel carol");
        EXPECT_THAT(played_.said(), HasSubstr("nothing is being sent to carol"));
        type("/cancel bob");
        EXPECT_THAT(played_.said(), HasSubstr("two: not sent: you gave it up"));
        EXPECT_TRUE(files_->is_sending());
        type("/cancel");
        EXPECT_FALSE(files_->is_sending());
    });
}

TEST_F(PlayedChat, WhatIsSentToAMemberEndsWhenTheRoomForgetsHim) {
    options_.room = Id::parse("den");
    end_of([&] {
        played_.register_us();
        played_.room("den", {"bob"});
        meet_bob();
        send("note");
        played_.lose_path("bob");
        EXPECT_TRUE(files_->is_sending());
        played_.room("den", {});
        let_time_pass();
        EXPECT_FALSE(files_->is_sending());
    });
    EXPECT_THAT(played_.said(), HasSubstr("note: not sent: bob is gone"));
}

// ---- what others offer

class TakenAndCut : public PlayedChat {
  protected:
    static files::Announcement photo(std::uint8_t manifest) {
        files::Announcement out{
            .entries = 1, .bytes = 9, .name = "photo", .manifest = files::Hash{}};
        out.manifest->front() = std::byte{manifest};
        return out;
    }
    /// How often the user is asked about the first offer and the second.
    std::size_t questions(const files::Announcement& first, const files::Announcement& second) {
        end_of([&] {
            files_->on_prompt();
            played_.register_us();
            meet_bob();
            hear_offer(first);
            type("/take");
            played_.close("bob", node::CloseReason::kPeerRestarted);
            meet_bob();
            hear_offer(second);
            EXPECT_TRUE(files_->is_busy());
        });
        return times_said("bob offers photo (9 bytes): /take, or /refuse");
    }
};

TEST_F(TakenAndCut, GoesOnWithoutAnotherQuestion) {
    EXPECT_EQ(questions(photo(1), photo(1)), 1U);
}

TEST_F(TakenAndCut, AnotherOfferOfTheSameNameAndSizeIsAnotherQuestion) {
    EXPECT_EQ(questions(photo(1), photo(2)), 2U);
}

TEST_F(TakenAndCut, WhatDoesNotSayWhatItIsIsAskedAboutAgain) {
    files::Announcement silent = photo(1);
    silent.manifest.reset();
    EXPECT_EQ(questions(silent, silent), 2U);
}

}  // namespace
}  // namespace pinhole::peer
