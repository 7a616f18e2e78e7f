// file_bytes.hpp: by the platform's file.
#include "input/file_bytes.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/platform.hpp"

namespace app {

cvt::result<std::vector<std::byte>> read_bytes(const std::string& path, std::uint64_t limit) {
    const file from{path, file::mode::read};
    if (!from) return cvt::error::format(cvt::errc::io, "cannot open %s: %s", path.c_str(), std::strerror(errno));
    const std::optional<std::uint64_t> size = from.size();
    if (!size) return cvt::error::format(cvt::errc::io, "%s: expected a file, found something else", path.c_str());
    if (*size > limit)
        return cvt::error::format(cvt::errc::bad_image, "%s has more than the limit of %llu bytes", path.c_str(),
                                  static_cast<unsigned long long>(limit));
    std::vector<std::byte> bytes;
    if (*size > bytes.max_size()) return cvt::error::out_of_memory(path.c_str(), *size);
    bytes.resize(static_cast<std::size_t>(*size));
    for (std::size_t done = 0; done < bytes.size();) {
        const std::ptrdiff_t got = from.read_at(done, reinterpret_cast<char*>(bytes.data() + done), bytes.size() - done);
        if (got < 0) return cvt::error::format(cvt::errc::io, "cannot read %s: %s", path.c_str(), std::strerror(errno));
        if (got == 0) bytes.resize(done);  // the file has shrunk
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

std::vector<std::byte> first_bytes(const input& i) {
    std::vector<std::byte> bytes(256);
    if (i.data) return {i.data->begin(), i.data->begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), i.data->size()))};
    const file from{i.path, file::mode::read};
    const std::ptrdiff_t got = from && from.size() ? from.read_at(0, reinterpret_cast<char*>(bytes.data()), bytes.size()) : 0;
    bytes.resize(static_cast<std::size_t>(std::max<std::ptrdiff_t>(got, 0)));
    return bytes;
}

}  // namespace app
