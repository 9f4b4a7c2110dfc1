#include "shared/node/own_mapping.hpp"

#include <gtest/gtest.h>

namespace pinhole::node {
namespace {

using Reason = PortUnmapped::Reason;

Endpoint endpoint(std::string_view text) {
    return Endpoint::parse(text).value();
}

const Endpoint kObserved = endpoint("203.0.113.1:4000");
const Endpoint kMapped = endpoint("203.0.113.1:40000");

class OwnMappingTest : public ::testing::Test {
  protected:
    void set_local(std::string_view address) {
        mapping_.handle_io_event(InterfacesChanged{{{.ip = IpAddress::parse(address).value(),
                                                     .prefix_length = 24,
                                                     .interface_name = "e"}}});
    }
    void see_nat() {
        set_local("192.168.1.2");
        mapping_.set_observed(kObserved);
    }
    /// The requests that wait: M = map, U = unmap.
    std::string requests() {
        std::string out;
        while (const auto request = mapping_.poll_request()) {
            out += std::holds_alternative<MapPort>(*request) ? 'M' : 'U';
        }
        return out;
    }
    [[nodiscard]] MappingState state() const { return mapping_.status().state; }

    OwnMapping mapping_{true};
};

TEST_F(OwnMappingTest, IsAskedForOnceTheServerSeesAnotherAddress) {
    set_local("192.168.1.2");
    EXPECT_EQ(requests(), "");
    mapping_.set_observed(kObserved);
    EXPECT_EQ(requests(), "M");
    EXPECT_EQ(state(), MappingState::kAsked);
    mapping_.set_observed(endpoint("203.0.113.1:4001"));
    EXPECT_EQ(requests(), "") << "another port is no other gateway";
}

TEST_F(OwnMappingTest, IsNotNeededWhereNobodyTranslates) {
    set_local("203.0.113.1");
    mapping_.set_observed(kObserved);
    EXPECT_EQ(requests(), "");
    EXPECT_EQ(state(), MappingState::kNotNeeded);
}

TEST_F(OwnMappingTest, IsNotAskedForOnTheWordOfAServerInOurOwnNetwork) {
    set_local("192.168.1.2");
    mapping_.set_observed(endpoint("10.9.9.9:4000"));
    EXPECT_EQ(requests(), "");
}

TEST_F(OwnMappingTest, IsOfferedWhenItsAddressIsWhatTheServerSees) {
    see_nat();
    mapping_.handle_io_event(PortMapped{kSocketV4, kMapped, MappingProtocol::kUpnp, 1h});
    EXPECT_EQ(mapping_.offered(), kMapped);
    EXPECT_EQ(mapping_.status(),
              (PortMapping{MappingState::kMapped, MappingProtocol::kUpnp, kMapped, std::nullopt}));
}

TEST_F(OwnMappingTest, OnAnotherAddressIsDoubleNatAndGivenBack) {
    see_nat();
    requests();
    const Endpoint elsewhere = endpoint("198.51.100.7:40000");
    mapping_.handle_io_event(PortMapped{kSocketV4, elsewhere, MappingProtocol::kPcp, 1h});
    EXPECT_EQ(mapping_.offered(), std::nullopt);
    EXPECT_EQ(requests(), "U");
    EXPECT_EQ(mapping_.status(), (PortMapping{MappingState::kUnmapped, MappingProtocol::kPcp,
                                              elsewhere, Reason::kDoubleNat}));
}

TEST_F(OwnMappingTest, IsNoLongerOfferedOnceLost) {
    see_nat();
    mapping_.handle_io_event(PortMapped{kSocketV4, kMapped, MappingProtocol::kPcp, 1h});
    mapping_.handle_io_event(PortUnmapped{kSocketV4, Reason::kLost});
    EXPECT_EQ(mapping_.offered(), std::nullopt);
    EXPECT_EQ(mapping_.status().reason, Reason::kLost);
    mapping_.handle_io_event(PortMapped{kSocketV4, kMapped, MappingProtocol::kPcp, 1h});
    EXPECT_EQ(mapping_.offered(), kMapped) << "the driver goes on trying";
}

TEST_F(OwnMappingTest, IsAskedForAnewInAnotherNetwork) {
    see_nat();
    mapping_.handle_io_event(PortMapped{kSocketV4, kMapped, MappingProtocol::kPcp, 1h});
    requests();
    set_local("192.168.7.2");
    EXPECT_EQ(requests(), "M");
    EXPECT_EQ(mapping_.offered(), std::nullopt);
    mapping_.set_observed(endpoint("198.51.100.7:1"));
    EXPECT_EQ(requests(), "M");
}

TEST_F(OwnMappingTest, IsGivenBackWhenTheNewNetworkHasNoNat) {
    see_nat();
    requests();
    set_local("203.0.113.1");
    EXPECT_EQ(requests(), "U");
    mapping_.handle_io_event(PortMapped{kSocketV4, kMapped, MappingProtocol::kPcp, 1h});
    EXPECT_EQ(mapping_.offered(), std::nullopt) << "an answer that was on its way";
}

TEST_F(OwnMappingTest, OfAnotherSocketIsNotOurs) {
    see_nat();
    mapping_.handle_io_event(PortMapped{SocketId{7}, kMapped, MappingProtocol::kPcp, 1h});
    mapping_.handle_io_event(PortUnmapped{SocketId{7}, Reason::kLost});
    EXPECT_EQ(state(), MappingState::kAsked);
}

TEST(OwnMapping, IsNeverAskedForUnlessWanted) {
    OwnMapping mapping{false};
    mapping.handle_io_event(InterfacesChanged{});
    mapping.set_observed(kObserved);
    EXPECT_FALSE(mapping.poll_request());
    EXPECT_EQ(mapping.status().state, MappingState::kOff);
}

}  // namespace
}  // namespace pinhole::node
