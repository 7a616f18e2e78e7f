// read_torch: reads a file of torch.save in either of its two formats.
#pragma once

#include <cvt/checkpoint/formats/read_files.hpp>
#include <cvt/checkpoint/formats/torch.hpp>

namespace cvt_test {

/// Adds the tensors of `file` to `out`; a file of neither format is an unsupported error.
inline cvt::error read_torch(cvt::checkpoint::byte_source&& file, cvt::checkpoint::tensor_table& out) noexcept {
    using namespace cvt::checkpoint;
    std::byte head[4]{};
    const std::size_t count = file.size() < sizeof head ? static_cast<std::size_t>(file.size()) : sizeof head;
    if (const cvt::error e = file.read(0, count, head)) return e;
    switch (detect_format({head, count}, file.size())) {
        case weight_format::torch_zip: return read_torch_zip(std::move(file), out);
        case weight_format::torch_legacy: return read_torch_legacy(std::move(file), out);
        default: return cvt::error::format(cvt::errc::unsupported, "neither a zip nor a pickle");
    }
}

}  // namespace cvt_test
