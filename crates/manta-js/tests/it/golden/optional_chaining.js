const a = x?.y.z?.(1)?.["name"]?.[i];
x?.y.call(x);
delete x?.y;
