#include "peer/audience.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using wire::Id;

const Id kAlice = *Id::parse("alice");
const Id kBob = *Id::parse("bob");

TEST(Audience, HasThoseWhoSaidThatTextsAreShownThere) {
    Audience audience;
    for (const Id& peer : {kAlice, kBob}) audience.on_connected(peer);
    audience.on_hello(kAlice, true);
    audience.on_hello(kBob, false);
    EXPECT_THAT(audience.listeners(), ElementsAre(kAlice));
    EXPECT_THAT(audience.with({}), ElementsAre(kAlice));
    audience.on_closed(kAlice);
    EXPECT_THAT(audience.listeners(), IsEmpty());
}

TEST(Audience, HasWhomTheUserNamedAsSoonAsHeIsConnected) {
    Audience audience;
    EXPECT_THAT(audience.with({kAlice}), IsEmpty());
    audience.on_connected(kAlice);
    EXPECT_THAT(audience.with({kAlice}), ElementsAre(kAlice));
    EXPECT_THAT(audience.with({kBob}), IsEmpty()) << "a caller may want something else";
    audience.on_closed(kAlice);
    EXPECT_THAT(audience.with({kAlice}), IsEmpty());
}

TEST(Audience, HasNobodyWhoSaidThatTextsAreNotShownThere) {
    Audience audience;
    audience.on_connected(kAlice);
    audience.on_hello(kAlice, true);
    audience.on_hello(kAlice, false);
    EXPECT_THAT(audience.with({kAlice}), IsEmpty());
    EXPECT_TRUE(audience.is_deaf(kAlice));
    audience.on_closed(kAlice);
    EXPECT_FALSE(audience.is_deaf(kAlice)) << "another program of hers may take them";
}

}  // namespace
}  // namespace pinhole::peer
