// Fuzz target: the index of a sharded checkpoint, in a folder with one shard.
#include <cvt/checkpoint/formats/read_files.hpp>

#include "safetensors_parts.hpp"

#include <filesystem>
#include <fstream>

namespace {

struct folder {
    std::string path = std::filesystem::temp_directory_path() / "cvt-fuzz-XXXXXX";
    folder() {
        cvt_fuzz::require(::mkdtemp(path.data()) != nullptr, "no temporary folder");
        std::ofstream{path + "/a.safetensors"} << cvt_fuzz::safetensors_of(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                                                           "12345678");
    }
    ~folder() { std::filesystem::remove_all(path); }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cvt::checkpoint;
    static const folder at;
    static const std::string index = at.path + "/model.safetensors.index.json";
    if (size == 0) return 0;
    std::FILE* file = std::fopen(index.c_str(), "wb");
    cvt_fuzz::require(file != nullptr, "no file");
    std::fwrite(data, 1, size, file);
    std::fclose(file);

    cvt_fuzz::memory::begin();
    checkpoint_files files;
    const cvt::error e = read_folder_weights(at.path.c_str(), files);
    cvt_fuzz::memory::finish(size, 64);
    if (e) return cvt_fuzz::refused(e);
    cvt_fuzz::require(files.tensors.size() == 1 && files.tensors.find("t") == 0, "tensors that are not in the shard");
    return 0;
}
