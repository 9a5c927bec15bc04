// What a static program costs that does nothing: the measure of start-up.
int main() {}
