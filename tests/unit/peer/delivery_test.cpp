#include "peer/delivery.hpp"

#include <map>

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

const Id kBob = *Id::parse("bob");
const Id kCarol = *Id::parse("carol");
constexpr Instant kStart{1s};
constexpr bool kUtf8 = true;

TEST(Delivery, NothingIsMarkedBeforeAnythingWasSaid) {
    Delivery delivery;
    EXPECT_EQ(delivery.mark(kUtf8), "");
    delivery.on_said(kStart, {});
    EXPECT_EQ(delivery.mark(kUtf8), "") << "a text to nobody";
}

TEST(Delivery, ATextCountsUntilAllHaveIt) {
    Delivery delivery;
    delivery.on_said(kStart, {{kBob, 1}, {kCarol, 1}});
    delivery.on_said(kStart, {{kBob, 2}});
    EXPECT_EQ(delivery.mark(kUtf8), " 2…");
    EXPECT_EQ(delivery.mark(!kUtf8), " 2...");
    delivery.on_confirmed(kBob, 1);
    EXPECT_EQ(delivery.mark(kUtf8), " 2…") << "carol does not have the first";
    delivery.on_confirmed(kBob, 2);
    EXPECT_EQ(delivery.mark(kUtf8), " 1…");
    delivery.on_confirmed(kCarol, 1);
    EXPECT_EQ(delivery.mark(kUtf8), " ✓");
    EXPECT_EQ(delivery.mark(!kUtf8), " ok");
}

TEST(Delivery, WhatIsGivenUpIsNotMarkedAsShown) {
    Delivery delivery;
    delivery.on_said(kStart, {{kBob, 1}, {kCarol, 1}});
    delivery.on_confirmed(kBob, 1);
    delivery.on_given_up(kCarol);
    EXPECT_EQ(delivery.mark(kUtf8), "");
    delivery.on_said(kStart + 1s, {{kBob, 2}});
    delivery.on_confirmed(kBob, 2);
    EXPECT_EQ(delivery.mark(kUtf8), " ✓") << "the mark is about the last";
}

TEST(Delivery, LateIsSaidOnceForEachPeerAndSoIsTheEnd) {
    Delivery delivery;
    delivery.on_said(kStart, {{kBob, 1}, {kCarol, 1}});
    delivery.on_said(kStart + 1s, {{kBob, 2}});
    delivery.on_confirmed(kCarol, 1);
    EXPECT_EQ(delivery.next_timeout(), kStart + kConfirmPatience);
    delivery.handle_timeout(kStart + kConfirmPatience - 1ms);
    EXPECT_EQ(delivery.poll_line(), std::nullopt);
    delivery.handle_timeout(kStart + kConfirmPatience);
    EXPECT_EQ(delivery.poll_line(), "not confirmed by bob yet");
    EXPECT_EQ(delivery.next_timeout(), kNever);
    delivery.handle_timeout(kStart + 1min);
    EXPECT_EQ(delivery.poll_line(), std::nullopt);
    delivery.on_confirmed(kBob, 1);
    EXPECT_EQ(delivery.poll_line(), std::nullopt) << "one is still open";
    delivery.on_confirmed(kBob, 2);
    EXPECT_EQ(delivery.poll_line(), "bob has it");
}

TEST(Delivery, WhatIsConfirmedInTimeIsNotTalkedAbout) {
    Delivery delivery;
    delivery.on_said(kStart, {{kBob, 1}});
    delivery.on_confirmed(kBob, 1);
    delivery.handle_timeout(kStart + 1min);
    EXPECT_EQ(delivery.poll_line(), std::nullopt);
    EXPECT_EQ(delivery.next_timeout(), kNever);
}

TEST(Delivery, TextsThatWereNotTypedAreNoneOfItsBusiness) {
    Delivery delivery;
    delivery.on_confirmed(kBob, 1);
    delivery.on_given_up(kBob);
    EXPECT_EQ(delivery.mark(kUtf8), "");
}

TEST(Delivery, TheFirstVariableThatIsSetTellsTheTerminal) {
    using Variables = std::map<std::string_view, std::string>;
    const auto shows = [](const Variables& variables) {
        return shows_utf8([&](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional{found->second};
        });
    };
    EXPECT_TRUE(shows({{"LANG", "en_US.UTF-8"}}));
    EXPECT_TRUE(shows({{"LC_ALL", ""}, {"LC_CTYPE", "C.utf8"}, {"LANG", "C"}}));
    EXPECT_FALSE(shows({{"LC_ALL", "C"}, {"LANG", "en_US.UTF-8"}}));
    EXPECT_FALSE(shows({}));
}

}  // namespace
}  // namespace pinhole::peer
