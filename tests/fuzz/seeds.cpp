// Writes the seed inputs of every fuzz target from tests/data, one folder per target: seeds DATA OUT.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <cvt/checkpoint/formats/torch_zip.hpp>
#include <cvt/extra/picture_formats.hpp>

#include "folder_parts.hpp"

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

struct corpus {
    fs::path out;
    int files = 0;
    void add(const std::string& target, const std::string& name, std::string_view bytes) {
        fs::create_directories(out / target);
        std::ofstream{out / target / name, std::ios::binary} << bytes;
        files += bytes.empty() ? 0 : 1;
    }
};

/// Returns the pickle inside a checkpoint.
std::string pickle_of(const std::string& file) {
    const auto source = cvt::checkpoint::byte_source::from_memory(std::as_bytes(std::span{file}));
    cvt::checkpoint::zip_directory zip;
    if (zip.open(source)) return {};
    for (const auto& entry : zip.entries()) {
        std::size_t at = 0;
        if (entry.name.ends_with("/data.pkl") && !zip.locate(source, entry, at)) return file.substr(at, entry.size);
    }
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return std::fprintf(stderr, "usage: seeds DATA OUT\n"), 2;
    const fs::path data = argv[1];
    corpus seeds{argv[2]};

    const std::string safetensors = content(data / "checkpoint/tiny-hf/model.safetensors"),
                      config = content(data / "checkpoint/tiny-hf/config.json");
    const std::string torch = content(data / "torch/tiny-hf/pytorch_model.bin"), torch_config = content(data / "torch/tiny-hf/config.json");
    const std::string preprocessor = R"({"size": {"shortest_edge": 32}, "crop_pct": 0.875, "resample": 3, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5], "do_resize": true, "crop_size": {"height": 32, "width": 32}, "do_center_crop": true})";

    const std::string int8 = content(data / "checkpoint/tiny-int8/model.safetensors"),
                      int8_config = content(data / "checkpoint/tiny-int8/config.json");
    seeds.add("safetensors", "tiny", safetensors);
    seeds.add("safetensors", "int8", int8);
    seeds.add("json", "header", safetensors.size() > 8 ? safetensors.substr(8, safetensors.find("}}") - 6) : "");
    seeds.add("json", "config", config);
    seeds.add("json", "int8_config", int8_config);
    seeds.add("record", "line", R"({"path": "a/b.jpg", "id": "42"})");
    seeds.add("record", "top", R"({"path": "a.jpg", "id": 7, "top": [{"index": 1, "label": "cat", "probability": 0.5}], "ms": 1.5})");
    seeds.add("record", "error", R"({"path": "a.jpg", "error": {"code": "io", "message": "gone"}})");
    seeds.add("json", "torch_config", torch_config);
    seeds.add("json", "preprocessor", preprocessor);
    seeds.add("json", "self_test",
              R"({"format":1,"image":"formula","seed":1,"height":32,"width":32,"gelu":"quick",)"
              R"("computed_by":"cvt","output":"logits","values":[0.5,-1e-3]})");
    seeds.add("json", "values", R"([true, false, null, "\u00e9\ud83d\ude00\n", -0.5e-7, 9223372036854775807, {}, []])");
    seeds.add("index", "one", R"({"metadata": {"total_size": 8}, "weight_map": {"t": "a.safetensors"}})");
    seeds.add("index", "two", R"({"weight_map": {"t": "a.safetensors", "u": "b.safetensors"}})");
    std::vector<fs::path> checkpoints;
    for (const char* folder : {"torch", "field"})
        for (const auto& entry : fs::directory_iterator{data / folder}) checkpoints.push_back(entry.path());
    for (const fs::path& entry : checkpoints) {
        const std::string file = fs::is_regular_file(entry) ? content(entry) : "", name = entry.filename();
        if (!name.ends_with(".pth")) continue;
        const bool zip = file.starts_with("PK");
        seeds.add(zip ? "torch_zip" : "torch_legacy", name, file);
        seeds.add("pickle", name, zip ? pickle_of(file) : file);
    }
    seeds.add("torch_zip", "tiny", torch);
    for (const char* folder : {"golden", "torch"})
        for (const auto& entry : fs::directory_iterator{data / folder})
            if (entry.path().extension() == ".npy") seeds.add("npy", entry.path().filename(), content(entry).substr(0, 4096));
    const auto npy = [](int version, std::string header, std::string_view values) {
        std::string file = "\x93NUMPY";
        file += static_cast<char>(version);
        file += '\0';
        if (version == 1)
            cvt_fuzz::append_number(file, static_cast<std::uint16_t>(header.size()));
        else
            cvt_fuzz::append_number(file, static_cast<std::uint32_t>(header.size()));
        return file.append(header).append(values);
    };
    seeds.add("npy", "v1", npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n", "12345678"));
    seeds.add("npy", "v2", npy(2, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", "12345678"));
    for (const auto& entry : fs::directory_iterator{data / "preprocessing"})
        if (const auto type = entry.path().extension(); type == ".jpg" || type == ".png")
            seeds.add("image", entry.path().filename(), content(entry));
    std::vector<fs::path> pictures;
    for (const char* folder : {"pictures", "heif"})
        for (const auto& entry : fs::directory_iterator{data / folder}) pictures.push_back(entry.path());
    for (const fs::path& path : pictures) {
        const std::string file = content(path);
        const auto* format = cvt::detail::find_format({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
        std::string target = format != nullptr ? format->name : "";
        std::transform(target.begin(), target.end(), target.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        if (!target.empty()) seeds.add(target, path.filename(), file);
    }
    for (const auto& entry : fs::directory_iterator{data / "sounds"})
        if (entry.path().extension() != ".json") seeds.add("sound", entry.path().filename(), content(entry));
    const auto member = [](std::string_view name, char type, std::string_view text) {
        std::string header(512, '\0');
        header.replace(0, name.size(), name);
        char size[12];
        std::snprintf(size, sizeof size, "%011zo", text.size());
        header.replace(124, 11, size, 11);
        header.replace(148, 8, 8, ' ');
        header[156] = type;
        header.replace(257, 8, "ustar\00000", 8);
        unsigned sum = 0;
        for (const char c : header) sum += static_cast<unsigned char>(c);
        std::snprintf(size, sizeof size, "%06o", sum);
        header.replace(148, 7, size, 7);
        return header.append(text).append((512 - text.size() % 512) % 512, '\0');
    };
    const std::string end(1024, '\0'), plain = member("a/b.png", '0', "some bytes");
    seeds.add("tar", "plain", plain + member("c.jpg", '0', std::string(600, 'x')) + end);
    seeds.add("tar", "pax", member("PaxHeaders/b", 'x', "18 path=long.name\n11 size=10\n") + plain + end);
    seeds.add("tar", "global", member("global", 'g', "20 comment=anything\n") + plain + end);
    seeds.add("tar", "gnu", member("././@LongLink", 'L', std::string("a/long/name.png\0", 16)) + plain + end);
    seeds.add("tar", "links", member("folder/", '5', "") + member("link", '2', "") + plain + end);
    seeds.add("checkpoint", "safetensors", cvt_fuzz::folder_parts{config, preprocessor, safetensors}.bytes());
    const std::string field_config = content(data / "field/config.json");
    for (const char* name : {"loads-beside-protocol2.pth", "loads-module.pth", "head-outside.pth", "refused-two-sets.pth"})
        seeds.add("checkpoint", name, cvt_fuzz::folder_parts{field_config, preprocessor, content(data / "field" / name)}.bytes());
    seeds.add("checkpoint", "int8", cvt_fuzz::folder_parts{int8_config, preprocessor, int8}.bytes());
    seeds.add("checkpoint", "torch", cvt_fuzz::folder_parts{torch_config, preprocessor, torch}.bytes());
    return seeds.files < 50;
}
