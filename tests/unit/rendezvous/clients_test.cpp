#include "rendezvous/clients.hpp"

#include <gtest/gtest.h>

#include "tests/unit/rendezvous/sessions.hpp"

namespace pinhole::rendezvous::test {
namespace {

constexpr Instant kStart{};
const Path kPath{.socket = kSocketV4, .remote = {.ip = *IpAddress::parse("10.0.0.1"), .port = 1}};

class ClientsTest : public testing::Test {
  protected:
    Client& add(Instant now) {
        const auto index = clients.allocate(kNobody);
        EXPECT_TRUE(index.has_value());
        return clients.add(source.make(now, *index), kPath, now);
    }
    /// When each client was looked at until `until`.
    std::vector<Instant> looks(Instant until) {
        std::vector<Instant> out;
        for (Instant now = clients.next_timeout(); now <= until; now = clients.next_timeout()) {
            while (clients.take_due(now) != nullptr) out.push_back(now);
        }
        return out;
    }

    SessionSource source;
    Clients clients{source.random};
};

TEST_F(ClientsTest, LooksAtAQuietClientInEveryRound) {
    Client& client = add(kStart);
    clients.arm(kStart, client, kNever);
    EXPECT_EQ(looks(kStart + 3 * kRoundTime),
              (std::vector{kStart + kRoundTime, kStart + 2 * kRoundTime, kStart + 3 * kRoundTime}));
}

TEST_F(ClientsTest, RingsToTheMomentWhenSomethingIsDueSoon) {
    Client& client = add(kStart);
    clients.arm(kStart, client, kStart + 10s);
    EXPECT_EQ(looks(kStart + 20s), std::vector{kStart + 10s});
}

TEST_F(ClientsTest, NeedsNoAlarmForWhatTheNextRoundSeesInTime) {
    Client& client = add(kStart);
    clients.arm(kStart, client, kStart + kClientSilence);
    EXPECT_EQ(client.alarm.at, kNever);
    clients.arm(kStart + kRoundTime, client, kStart + kClientSilence - 1us);
    EXPECT_EQ(client.alarm.at, kStart + kClientSilence - 1us);
}

TEST_F(ClientsTest, HasNothingToWaitForWhenAllAreGone) {
    clients.remove(add(kStart));
    EXPECT_TRUE(looks(kStart + 10 * kRoundTime).empty());
    EXPECT_EQ(clients.next_timeout(), kNever);
    add(kStart + 1h);
    EXPECT_EQ(clients.next_timeout(), kStart + 1h + kRoundTime);
}

TEST_F(ClientsTest, NeverTakesANewcomerForTheOneWhoHadItsPlace) {
    Client& first = add(kStart);
    const ClientId gone = first.name;
    clients.remove(first);
    const Client& second = add(kStart);
    EXPECT_EQ(clients.find(gone), nullptr);
    EXPECT_EQ(clients.find(second.name), &second);
}

TEST_F(ClientsTest, CountARoundTripOfMoreThanAMinuteAsAMinute) {
    Client& client = add(kStart);
    EXPECT_EQ(client.rtt(), Duration{0});
    client.note_rtt(Duration{0});
    EXPECT_EQ(client.rtt(), Duration{1});
    client.note_rtt(24h);
    EXPECT_EQ(client.rtt(), kRttMax);
    client.note_rtt(52s);
    EXPECT_EQ(client.rtt(), (7 * kRttMax + 52s) / 8);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
