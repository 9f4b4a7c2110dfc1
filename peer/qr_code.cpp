#include "peer/qr_code.hpp"

#include <memory>
#include <stdexcept>

#include <qrencode.h>

namespace pinhole::peer {
namespace {

/// ISO/IEC 18004: what must stay light around a code.
constexpr int kQuietZone = 4;

struct CodeDeleter {
    void operator()(QRcode* code) const { QRcode_free(code); }
};

bool is_dark(const QRcode& code, int row, int column) {
    if (row < 0 || column < 0 || row >= code.width || column >= code.width) return false;
    return (code.data[row * code.width + column] & 1U) != 0;
}

}  // namespace

std::string qr_code(std::string_view text, bool inverts) {
    const std::unique_ptr<QRcode, CodeDeleter> code{
        QRcode_encodeData(static_cast<int>(text.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M)};
    if (!code) throw std::runtime_error("that is too much for a QR code");
    std::string out;
    for (int row = -kQuietZone; row < code->width + kQuietZone; row += 2) {
        for (int column = -kQuietZone; column < code->width + kQuietZone; ++column) {
            const bool upper = is_dark(*code, row, column) != inverts;
            const bool lower = is_dark(*code, row + 1, column) != inverts;
            out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
        }
        out += '\n';
    }
    return out;
}

}  // namespace pinhole::peer
