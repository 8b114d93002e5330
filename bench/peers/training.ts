export interface Training {
  readonly title: string;
}
export function cases(_: unknown, __: boolean): Training[] {
  return [];
}
export async function trainAll(t: Training): Promise<Training> {
  return t;
}
export function trainingSection(_: readonly Training[]): string[] {
  return [];
}
