// new_many.cc - 20,000 blocks of 100 bytes by operator new, freed at the end.
#include <vector>

int main()
{
    std::vector<char *> blocks;
    blocks.reserve(20000);
    for (int i = 0; i < 20000; i++) {
        blocks.push_back(new char[100]);
    }
    for (char *block : blocks) {
        delete[] block;
    }
    return 0;
}
